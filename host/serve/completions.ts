import { randomUUID } from 'node:crypto';
import { defined } from '../common/defined.ts';
import type { JsonValue } from '../common/json.ts';
import type { HostEvent } from '../protocol/messages.ts';
import { finishReasonOf, ignoredFields, usageOf } from './answer.ts';
import { type ApiCall, now } from './api-call.ts';
import { invalidParam } from './api-error.ts';
import { eventStream } from './event-stream.ts';
import { generateFields, streamOptions, withLength } from './generate-fields.ts';

/** A completion, or a part of a streamed one. */
interface Completion {
  readonly id: string;
  readonly object: 'text_completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly { index: 0; text: string; finish_reason: string | null; logprobs: null }[];
  readonly usage?: ReturnType<typeof usageOf> | null;
  readonly ignored?: readonly string[];
}

/** `POST /v1/completions`. */
export async function completions(call: ApiCall): Promise<Response> {
  const { body, client, models, signal } = call;
  const { settings, ignored } = generateFields(body, ['prompt']);
  const { stream, includeUsage } = streamOptions(body);
  const prompt = promptOf(body.prompt);
  const id = `cmpl-${randomUUID()}`;
  const created = now();
  let model = '';
  const completion = (text: string, finish_reason: string | null): Completion => ({
    ...{ id, object: 'text_completion', created, model },
    choices: [{ index: 0, text, finish_reason, logprobs: null }],
  });
  const generate = (onEvent?: (event: HostEvent) => void, canRepeat?: () => boolean) =>
    models.use(
      body.model,
      signal,
      (ready) => {
        model = ready.id;
        const fields = { modelId: ready.id, prompt, settings: withLength(settings, ready) };
        return client.request('GENERATE', fields, { signal, ...defined({ onEvent }) });
      },
      canRepeat,
    );

  if (!stream) {
    const reply = await generate();
    const { payload } = reply;
    return Response.json({
      ...completion(payload.output, finishReasonOf(payload)),
      usage: usageOf(payload),
      ...ignoredFields(ignored, reply),
    });
  }

  return eventStream<Completion>(
    async (sink) => {
      const usage = includeUsage ? { usage: null } : {};
      const write = (text: string) => sink.write({ ...completion(text, null), ...usage });
      const onEvent = ({ type, payload }: HostEvent) => {
        if (type === 'generationPromptProgress') write('');
        else if (type === 'generationUpdate') write(payload.token);
      };
      const reply = await generate(onEvent, () => !sink.hasStarted);
      const { payload } = reply;
      const last = { ...completion('', finishReasonOf(payload)), ...usage };
      sink.write({ ...last, ...ignoredFields(ignored, reply) });
      if (includeUsage) sink.write({ ...completion('', null), choices: [], usage: usageOf(payload) });
    },
    { join: joined, abort: call.abort },
  );
}

function joined(earlier: Completion, later: Completion): Completion | undefined {
  const [first, second] = [earlier.choices[0], later.choices[0]];
  if (first?.finish_reason !== null || second?.finish_reason !== null) return undefined;
  return { ...earlier, choices: [{ ...first, text: first.text + second.text }] };
}

function promptOf(prompt: JsonValue | undefined): string {
  const [only, ...more] = Array.isArray(prompt) ? prompt : [prompt];
  if (typeof only === 'string' && more.length === 0) return only;
  throw invalidParam('prompt', 'a string, or a list of one string');
}
