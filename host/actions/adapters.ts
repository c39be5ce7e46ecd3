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
import { chosenSettings } from './load-settings.ts';
import { knownName } from './resolve-name.ts';

type RequestedAdapters = NonNullable<RequestOf<'LOAD_MODEL'>['lora']>;

/** The leases on the adapters' files, which cannot be deleted until they are released. */
interface OpenAdapters {
  readonly adapters: readonly LoadedAdapter[];
  release(): void;
}

/** Returns a request for a load whose adapters are named by their ids; see {@link adapterChoices}. */
export async function withAdapterIds(request: RequestOf<'LOAD_MODEL'>, call: Call): Promise<RequestOf<'LOAD_MODEL'>> {
  const { lora } = chosenSettings(request);
  if (lora === undefined) return request;
  const { lora: _, ...others } = request;
  return { ...others, settings: { ...request.settings, lora: await adapterChoices(lora, call) } };
}

/**
 * Returns the ids and scales of the adapters that a request names. Files that it names by their paths are registered.
 *
 * @throws HostError `INVALID_REQUEST`, `LOCAL_ONLY` for the path of a browser, `FILE_NOT_FOUND`, `MODEL_REJECTED`,
 *   `MODEL_NOT_DOWNLOADED` for a quantization that matches no downloaded adapter.
 */
export async function adapterChoices(lora: RequestedAdapters, call: Call): Promise<AdapterChoice[]> {
  const choices: AdapterChoice[] = [];
  for (const [at, { scale = 1, ...named }] of lora.entries()) {
    const field = `lora[${at}]`;
    const id = await idOf(named, field, call);
    if (choices.some((other) => other.id === id)) throw invalidField(field, 'an adapter that is not named twice', id);
    choices.push({ id, scale });
  }
  return choices;
}

async function idOf({ id, path }: RequestedAdapters[number], field: string, call: Call): Promise<string> {
  if ((id === undefined) === (path === undefined)) {
    throw invalidField(field, 'an object with either `id` or `path`', { id, path });
  }
  if (path !== undefined) {
    if (call.client !== 'local') throw pathOfBrowser(`${field}.path`);
    return (await (await call.services.external()).import(path, call.signal, 'adapter')).name.id;
  }
  const name = nameOf(id ?? '', call.services.config.hubEndpoint);
  try {
    return (await knownName({ modelPath: name }, call, 'adapter')).id;
  } catch (error) {
    if (!isHostError(error, 'INVALID_REQUEST')) throw error;
    throw invalidField(`${field}.id`, 'the id of an adapter, such as "owner/name/adapter.gguf"', id);
  }
}

/**
 * Finds the files of adapters on this computer, and takes leases on them.
 *
 * @throws HostError `MODEL_NOT_DOWNLOADED`, `CHECKSUM_MISMATCH`, `MODEL_IN_USE`, `MODEL_REJECTED`.
 */
export async function openAdapters(
  choices: readonly AdapterChoice[],
  call: Call,
  options: ObtainOptions,
): Promise<OpenAdapters> {
  const cache = await call.services.cache();
  const leases: { release(): void }[] = [];
  const release = () => {
    for (const lease of leases) lease.release();
  };
  try {
    const adapters: LoadedAdapter[] = [];
    for (const choice of choices) {
      const name = readModelName({ modelId: choice.id });
      leases.push(await cache.lease(name, call.signal));
      const { files } = await findHere(name, call, options).catch((error: unknown) => {
        throw isHostError(error, 'MODEL_NOT_DOWNLOADED') ? adapterMissing(choice.id, error) : error;
      });
      const [file = '', ...others] = files;
      if (others.length > 0) {
        throw rejection(file)('it is split into several files', { expected: 'one file', found: files.length });
      }
      adapters.push({ ...choice, file });
    }
    return { adapters, release };
  } catch (error) {
    release();
    throw error;
  }
}

function adapterMissing(id: string, cause: HostError): HostError {
  const { code, details } = modelNotDownloaded(id);
  return new HostError(code, `The adapter ${id} is not on this computer. Download it first.`, { details, cause });
}

function pathOfBrowser(field: string): HostError {
  return new HostError(
    'LOCAL_ONLY',
    `\`${field}\` is available only on the command line. Import the file with "tabagent import FILE", and name its id.`,
    { details: { field } },
  );
}
