import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * A peer of the download benchmark: `@huggingface/hub`, streaming to a file. Arguments: URL of the package, URL of the
 * hub, repository, folder, file.
 */
const [, , module = '', hubUrl = '', repo = '', directory = '', path = ''] = process.argv;
const { downloadFile } = (await import(module)) as {
  downloadFile(options: object): Promise<Blob | null>;
};
const blob = await downloadFile({ repo, path, hubUrl });
if (blob === null) throw new Error('The hub has no such file');
// The stream has the DOM's type, which differs from that of Node.js.
await pipeline(Readable.fromWeb(blob.stream() as never), createWriteStream(join(directory, path)));
