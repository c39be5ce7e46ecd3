import * as declared from '../protocol/actions/external.ts';
import { handle } from './action.ts';
import { offeredEntry, scannedEntry } from './external-entry.ts';
import { fitWithinBytes, page } from './paging.ts';

export const scanLocalModels = handle(declared.scanLocalModels, async (request, { services, signal }) => {
  const found = await (await services.external()).list({ signal, thorough: true });
  const details = {
    folders: fitWithinBytes(found.folders),
    rejected: fitWithinBytes(found.rejected),
    gone: fitWithinBytes(
      found.missing.map(({ name, source, path }) => ({ modelId: name.id, id: name.id, source, path })),
    ),
    problems: fitWithinBytes(found.problems),
    complete: found.complete,
  };
  const { items, ...next } = page(found.models.map(scannedEntry), request, Buffer.byteLength(JSON.stringify(details)));
  return { payload: { models: items, ...details, ...next } };
});

export const importModel = handle(declared.importModel, async ({ path }, { services, signal }) => {
  const model = await (await services.external()).import(path, signal);
  const { id } = model.name;
  return {
    payload: { model: { modelId: id, ...offeredEntry(model) } },
    message: `Imported as ${id}. The file stays where it is.`,
  };
});
