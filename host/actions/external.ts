import type { Actions } from './action.ts';
import { offeredEntry, scannedEntry } from './external-entry.ts';
import { fitWithinBytes } from './fit-within-bytes.ts';
import { page } from './paging.ts';

export const actions: Actions<'SCAN_LOCAL_MODELS' | 'IMPORT_MODEL'> = {
  async SCAN_LOCAL_MODELS(request, { services, signal }) {
    const found = await (await services.external()).list({ signal, thorough: true });
    const beside = {
      folders: fitWithinBytes(found.folders),
      rejected: fitWithinBytes(found.rejected),
      gone: fitWithinBytes(found.gone.map(({ name, source, path }) => ({ id: name.id, source, path }))),
      problems: fitWithinBytes(found.problems),
      complete: found.complete,
    };
    const { items, ...next } = page(found.models.map(scannedEntry), request, Buffer.byteLength(JSON.stringify(beside)));
    return { payload: { models: items, ...beside, ...next } };
  },

  async IMPORT_MODEL({ path }, { services, signal }) {
    const model = await (await services.external()).import(path, signal);
    const { id } = model.name;
    return {
      payload: { model: offeredEntry(model) },
      message: `Imported as ${id}. The file stays where it is; LOAD_MODEL loads it from there.`,
    };
  },
};
