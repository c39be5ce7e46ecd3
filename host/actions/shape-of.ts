import type { ByteSource, ModelShape } from '../gguf/model.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { Call } from './action.ts';
import { externalFiles } from './find-model.ts';

/** Reads the shape of a model from its header: on the disk or, if it is not downloaded, from the hub. */
export async function shapeOf(name: ModelName, { services, signal }: Call): Promise<ModelShape> {
  const { readGgufHeader, modelShape, inspectModel } = await import('../gguf/inspect.ts');
  const files = (await (await services.cache()).find(name))?.files ?? (await externalFiles(name, services, signal));
  if (files !== undefined) return (await inspectModel(files, { signal })).shape;

  const hub = await services.hub();
  const headerOf = async (file: string) => {
    const source: ByteSource = await hub.byteSource(name, file, { signal });
    try {
      return await readGgufHeader(source, { signal, file });
    } finally {
      await source.close();
    }
  };
  // One after the other: a name can claim a thousand files.
  const headers: Awaited<ReturnType<typeof headerOf>>[] = [];
  for (const file of shardFiles(name.file)) headers.push(await headerOf(file));
  return modelShape(headers);
}
