import { randomInt } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { Constraint, GenerateRequest, Sampling, ToolChoice } from '../models/generation.ts';
import * as declared from '../protocol/actions/generation.ts';
import type { GenerationParams } from '../protocol/actions/settings.ts';
import { MAX_SEED } from '../protocol/limits.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { withChanges } from '../settings/generation-settings.ts';
import { readFunctions } from '../tools/tool-function.ts';
import { promptInput } from './prompt-input.ts';

type Request = RequestOf<'GENERATE'>;
type GenerateSettings = NonNullable<Request['settings']>;

/** Settings that restrict the output. */
const CONSTRAINTS = ['response_format', 'json_schema', 'regex', 'grammar'] as const;

/** Returns what the output is restricted to. A request can set only one restriction. */
function constraintOf(settings: GenerateSettings, hasTools: boolean): Constraint | undefined {
  const { grammar, regex, regex_flags: flags } = settings;
  for (const name of ['grammar', 'regex'] as const) {
    if (settings[name] === undefined || !hasTools) continue;
    throw invalidField(`settings.${name}`, 'omitted when `tools` is given', settings[name]);
  }
  if (flags !== undefined && regex === undefined) {
    throw invalidField('settings.regex_flags', 'omitted unless `settings.regex` is given', flags);
  }
  const given = CONSTRAINTS.filter((name) => settings[name] !== undefined);
  const [first, second] = given;
  if (second !== undefined) {
    throw invalidField(`settings.${second}`, `omitted when \`settings.${first}\` is given`, settings[second]);
  }
  const { constraint_prefix: prefix } = settings;
  if (prefix !== undefined && (first === undefined || grammar !== undefined)) {
    throw invalidField('settings.constraint_prefix', 'used with a JSON schema or a regular expression', prefix);
  }
  if (grammar !== undefined) return { grammar };
  const language = languageOf(settings);
  return language && { ...language, ...defined({ prefix }) };
}

/** The language of a request without a GBNF grammar. */
function languageOf(settings: GenerateSettings): Constraint | undefined {
  const { json_schema: schema, regex, regex_flags: flags, response_format: format } = settings;
  if (regex !== undefined) return { regex, ...defined({ flags }) };
  // A parsed request is JSON, even where its schema leaves fields open.
  if (schema !== undefined) return { jsonSchema: schema as JsonObject, field: 'settings.json_schema' };
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object' || format.json_schema === undefined) return { json: true };
  return {
    jsonSchema: format.json_schema.schema as JsonObject,
    field: 'settings.response_format.json_schema.schema',
    ...defined({ strict: format.json_schema.strict }),
  };
}

/** Fields of every message to the host. */
const MESSAGE_FIELDS = ['action', 'requestId'];

/** Settings that have no effect without another one that turns their sampler on. */
const SAMPLER_DETAILS: Readonly<
  Record<'xtc_probability' | 'dry_multiplier', readonly (keyof GenerateSettings & string)[]>
> = {
  xtc_probability: ['xtc_threshold'],
  dry_multiplier: ['dry_base', 'dry_allowed_length', 'dry_penalty_last_n', 'dry_sequence_breakers'],
};

function unusedSamplerDetails(settings: GenerateSettings): string[] {
  return (['xtc_probability', 'dry_multiplier'] as const)
    .filter((name) => (settings[name] ?? 0) === 0)
    .flatMap((name) => SAMPLER_DETAILS[name].filter((detail) => settings[detail] !== undefined));
}

/** Returns the names of fields that the host does not know or cannot use yet. */
export function unusedFields(request: Request): string[] {
  const known = new Set([...MESSAGE_FIELDS, ...Object.keys(declared.generate.request.entries)]);
  const settings = new Set(declared.generateSettingNames);
  return [
    ...Object.keys(request).filter((name) => !known.has(name)),
    ...(request.tools === undefined
      ? (['tool_choice', 'parallel_tool_calls'] as const).filter(
          (name) => request[name] !== undefined && request[name] !== 'none',
        )
      : []),
    ...[
      ...Object.keys(request.settings ?? {}).filter((name) => !settings.has(name)),
      ...unusedSamplerDetails(request.settings ?? {}),
    ].map((name) => `settings.${name}`),
  ];
}

/** Returns which tools the model must call. @throws HostError `INVALID_REQUEST` if the request does not have them. */
function toolChoiceOf({ tool_choice: choice, tools = [] }: Request): ToolChoice | undefined {
  if (choice === undefined || choice === 'none' || choice === 'auto') return undefined;
  const { functions } = readFunctions(tools as JsonObject[]);
  if (choice === 'required') {
    if (tools.length > 0 && functions.length === 0)
      throw invalidField('tools', 'a list with a function that can be called', tools);
    return tools.length === 0 ? undefined : choice;
  }
  const { name } = choice.function;
  if (!functions.some((candidate) => candidate.name === name)) {
    throw invalidField('tool_choice.function.name', 'the name of one of `tools`', name);
  }
  return { name };
}

function drySampling(settings: GenerateSettings): Sampling['dry'] {
  const { dry_multiplier: multiplier = 0, dry_penalty_last_n: lastTokens = -1 } = settings;
  if (multiplier === 0 || lastTokens === 0) return undefined;
  return {
    multiplier,
    base: settings.dry_base ?? 1.75,
    allowedLength: settings.dry_allowed_length ?? 2,
    lastTokens: lastTokens === -1 ? undefined : lastTokens,
    sequenceBreakers: settings.dry_sequence_breakers ?? ['\n', ':', '"', '*'],
  };
}

/** Returns the sampling settings that few requests use. */
function rarerSampling(settings: GenerateSettings): Pick<Sampling, 'xtc' | 'dry' | 'logitBias'> {
  const { xtc_probability: probability = 0, xtc_threshold: threshold = 0.1 } = settings;
  return {
    xtc: probability === 0 ? undefined : { probability, threshold },
    dry: drySampling(settings),
    logitBias: settings.logit_bias,
  };
}

/** Converts a request to that of a model. Absent settings are the saved ones of all models. */
export function generateRequest(request: Request, saved: GenerationParams): GenerateRequest {
  const { messages, prompt, tools, continue: continues, tool_choice: choice, settings = {} } = request;
  const { stop = [], seed = randomInt(MAX_SEED + 1) } = settings;
  const params = withChanges(saved, settings);
  const maxNewTokens =
    settings.max_new_tokens ?? settings.max_completion_tokens ?? settings.max_tokens ?? params.max_new_tokens;
  return {
    input: promptInput({
      messages,
      prompt,
      tools: choice === 'none' ? undefined : tools,
      toolChoice: toolChoiceOf(request),
      parallelToolCalls: request.parallel_tool_calls,
      continue: continues,
      settings,
      ...(request.context_overflow === 'trim' ? { trimFor: maxNewTokens } : {}),
    }),
    maxNewTokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    sampling: {
      temperature: params.do_sample ? params.temperature : 0,
      topP: params.top_p,
      topK: params.top_k,
      minP: params.min_p,
      repetitionPenalty: params.repetition_penalty,
      presencePenalty: settings.presence_penalty ?? 0,
      frequencyPenalty: settings.frequency_penalty ?? 0,
      ...rarerSampling(settings),
      seed,
    },
    lookupTokens: settings.prompt_lookup_num_tokens ?? 0,
    ...defined({
      constraint: constraintOf(settings, tools !== undefined && choice !== 'none'),
      strict: request.strict,
    }),
  };
}
