import { defined } from '../common/defined.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { invalidField, modelNotDownloaded } from '../common/host-errors.ts';
import type { LoadedAdapter } from '../engine/ipc.ts';
import { rejection } from '../gguf/reject.ts';
import type { AdapterChoice } from '../models/model-engine.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { nameOf } from '../protocol/model-address.ts';
import { readModelName } from '../protocol/model-name.ts';
import type { Call } from './action.ts';
import { findHere, type ObtainOptions } from './find-model.ts';
import { type ChosenSettings, chosenSettings } from './load-settings.ts';
import { knownName } from './resolve-name.ts';

type RequestedAdapters = NonNullable<RequestOf<'LOAD_MODEL'>['lora']>;

/** The files that are loaded with a model, which cannot be deleted until {@link release} is called. */
export interface OpenCompanions {
  readonly adapters: readonly LoadedAdapter[];
  readonly draft: DraftFiles | undefined;
  release(): void;
}

/** The files of a draft model. */
interface DraftFiles {
  readonly id: string;
  readonly files: readonly string[];
}

/** Settings of a load that name other files. */
type NamingSettings = Pick<ChosenSettings, 'lora' | 'draft_model'>;

/** Returns a request for a load whose adapters and draft model are named by their ids; see {@link withIds}. */
export async function withCompanionIds(request: RequestOf<'LOAD_MODEL'>, call: Call): Promise<RequestOf<'LOAD_MODEL'>> {
  const { lora: _, draft_model: __, ...others } = request;
  return { ...others, settings: { ...request.settings, ...(await withIds(chosenSettings(request), call)) } };
}

/**
 * Returns the adapters and the draft model that settings name, by their ids.
 *
 * @throws HostError as {@link adapterChoices}; `INVALID_REQUEST`, `MODEL_NOT_DOWNLOADED` for a name of a draft model that
 *   is none, or matches none.
 */
export async function withIds({ lora, draft_model: draft }: NamingSettings, call: Call): Promise<NamingSettings> {
  return defined({
    lora: lora && (await adapterChoices(lora, call)),
    draft_model: draft && (await idOf(draft, 'draft_model', call, 'model')),
    ...(draft === null ? { draft_model: null } : {}),
  });
}

/**
 * Returns the ids and scales of the adapters that a request names. Files that it names by their paths are registered.
 *
 * @throws HostError `INVALID_REQUEST`, `LOCAL_ONLY` for the path of a browser, `FILE_NOT_FOUND`, `MODEL_REJECTED`,
 *   `MODEL_NOT_DOWNLOADED` for a quantization that matches no downloaded adapter.
 */
async function adapterChoices(lora: RequestedAdapters, call: Call): Promise<AdapterChoice[]> {
  const choices: AdapterChoice[] = [];
  for (const [at, { scale = 1, ...named }] of lora.entries()) {
    const field = `lora[${at}]`;
    const id = await idOfAdapter(named, field, call);
    if (choices.some((other) => other.id === id)) throw invalidField(field, 'an adapter that is not named twice', id);
    choices.push({ id, scale });
  }
  return choices;
}

async function idOfAdapter({ id, path }: RequestedAdapters[number], field: string, call: Call): Promise<string> {
  if ((id === undefined) === (path === undefined)) {
    throw invalidField(field, 'an object with either `id` or `path`', { id, path });
  }
  if (path !== undefined) {
    if (call.client !== 'local') throw pathOfBrowser(`${field}.path`);
    return (await (await call.services.external()).import(path, call.signal, 'adapter')).name.id;
  }
  return idOf(id ?? '', `${field}.id`, call, 'adapter');
}

async function idOf(typed: string, field: string, call: Call, kind: 'adapter' | 'model'): Promise<string> {
  try {
    return (await knownName({ modelPath: nameOf(typed, call.services.config.hubEndpoint) }, call, kind)).id;
  } catch (error) {
    if (!isHostError(error, 'INVALID_REQUEST')) throw error;
    throw invalidField(field, `the id of ${NOUNS[kind]}, such as "owner/name/${kind}.gguf"`, typed);
  }
}

/**
 * Finds the files of the adapters and the draft model of a request on this computer, and takes leases on them.
 *
 * @param request Names them by their ids.
 * @throws HostError `MODEL_NOT_DOWNLOADED`, `CHECKSUM_MISMATCH`, `MODEL_IN_USE`, `MODEL_REJECTED`.
 */
export async function openCompanions(
  request: RequestOf<'LOAD_MODEL'>,
  call: Call,
  options: ObtainOptions,
): Promise<OpenCompanions> {
  const { lora = [], draft_model: draft } = chosenSettings(request);
  const cache = await call.services.cache();
  const leases: { release(): void }[] = [];
  const release = () => {
    for (const lease of leases) lease.release();
  };
  const open = async (id: string, kind: 'adapter' | 'model') => {
    const name = readModelName({ modelId: id });
    leases.push(await cache.lease(name, call.signal));
    const { files } = await findHere(name, call, options).catch((error: unknown) => {
      throw isHostError(error, 'MODEL_NOT_DOWNLOADED') ? missing(id, kind, error) : error;
    });
    return files;
  };
  try {
    const adapters: LoadedAdapter[] = [];
    for (const { id, scale = 1 } of lora) {
      if (id === undefined) continue;
      const files = await open(id, 'adapter');
      const [file = '', ...others] = files;
      if (others.length > 0) {
        throw rejection(file)('it is split into several files', { expected: 'one file', found: files.length });
      }
      adapters.push({ id, scale, file });
    }
    return { adapters, draft: draft ? { id: draft, files: await open(draft, 'model') } : undefined, release };
  } catch (error) {
    release();
    throw error;
  }
}

const NOUNS = { adapter: 'an adapter', model: 'a model' } as const;

function missing(id: string, kind: 'adapter' | 'model', cause: HostError): HostError {
  const { code, details } = modelNotDownloaded(id);
  const noun = kind === 'adapter' ? 'adapter' : 'draft model';
  return new HostError(code, `The ${noun} ${id} is not on this computer. Download it first.`, { details, cause });
}

function pathOfBrowser(field: string): HostError {
  return new HostError(
    'LOCAL_ONLY',
    `\`${field}\` is available only on the command line. Import the file with "tabagent import FILE", and name its id.`,
    { details: { field } },
  );
}
