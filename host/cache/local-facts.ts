import { open } from 'node:fs/promises';
import { kindOfName } from '../catalog/file-kind.ts';
import { kindWith } from '../catalog/read-kinds.ts';
import { isUnreadable } from '../external/disk.ts';
import { BEGINNING_BYTES, type FileFacts, readFacts } from '../gguf/kind.ts';
import type { CachedModel } from '../model-files/types.ts';
import type { FileKind } from '../protocol/file-kinds.ts';

/** Bytes that are enough to tell the kind of most files: a list reads as little as possible of each. */
const FIRST_BYTES = 4096;

/** Maximum number of files that are read at the same time: each takes a file descriptor. */
const READ_AT_ONCE = 16;

/** The kind of a downloaded file. */
export interface LocalFacts extends FileFacts {
  readonly kind: FileKind;
}

/** Reads the kinds of downloaded files, once for each entry of the list. A change of a folder creates a new entry. */
export class LocalFactsReader {
  readonly #known = new WeakMap<CachedModel, LocalFacts>();

  /** Returns the kinds of models, in order. */
  async of(models: readonly CachedModel[]): Promise<LocalFacts[]> {
    const waiting = models.filter((model) => !this.#known.has(model));
    const work = async () => {
      for (let model = waiting.pop(); model !== undefined; model = waiting.pop()) {
        this.#known.set(model, await factsOf(model));
      }
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, work));
    return models.map((model) => this.#known.get(model) ?? { kind: kindOfName(model.name.file) });
  }
}

async function factsOf({ name, files: [first = ''] }: CachedModel): Promise<LocalFacts> {
  const named = kindOfName(name.file);
  try {
    const file = await open(first, 'r');
    try {
      const beginning = async (length: number) => {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
        return readFacts(buffer.subarray(0, bytesRead));
      };
      const facts = await beginning(FIRST_BYTES);
      const isEnough = facts.kind !== undefined && facts.kind !== 'adapter';
      const { kind, baseModel } = isEnough ? facts : await beginning(BEGINNING_BYTES);
      return { kind: kindWith(named, kind), baseModel };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // A list does not fail because of one file that cannot be read; a load says why.
    return { kind: named };
  }
}
