import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A peer of the download benchmark: `@huggingface/hub`, streamed to a file. Arguments: package, hub, repo, folder, name. */
const [, , module = '', hubUrl = '', repo = '', directory = '', path = ''] = process.argv;
const { downloadFile } = (await import(module)) as {
  downloadFile(options: object): Promise<Blob | null>;
};
const blob = await downloadFile({ repo, path, hubUrl });
if (blob === null) throw new Error('The hub has no such file');
// Web streams and Node.js streams are the same here, but have different types.
await pipeline(Readable.fromWeb(blob.stream() as never), createWriteStream(join(directory, path)));
