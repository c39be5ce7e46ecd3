import type { Block } from './tree.ts';

/** Blocks of a part: about as many as fit on a screen. */
export const PART_LENGTH = 16;

/** Divides the blocks of a text that grows into parts, which the browser lays out and draws one by one. */
export class PartDivider {
  #parts: (readonly Block[])[] = [];

  /** Returns the parts. Those whose blocks have not changed are the same objects as the last time. */
  divide(blocks: readonly Block[]): readonly (readonly Block[])[] {
    this.#parts = Array.from({ length: Math.ceil(blocks.length / PART_LENGTH) }, (_, index) => {
      const part = blocks.slice(index * PART_LENGTH, (index + 1) * PART_LENGTH);
      const before = this.#parts[index];
      const isSame = before?.length === part.length && part.every((block, at) => block === before[at]);
      return isSame ? before : part;
    });
    return this.#parts;
  }
}
