/** A message in the tree of its conversation. */
export interface MessageNode {
  readonly number: number;
  readonly id: string;
  /** As in `MessageRow.parent_id`. */
  readonly parent: string | null;
  readonly role: string;
  readonly isDeleted: boolean;
}

/** A message that is not deleted, on a branch. */
export interface BranchNode extends MessageNode {
  /** The message before it on every branch; null for the first one. */
  readonly before: string | null;
}

/**
 * The branches of a conversation: a tree of messages, which deleted ones are part of but which does not show them. A
 * parent must be earlier in time, so there are no cycles, whatever parents another program stored.
 */
export class Branches {
  readonly #nodes: readonly MessageNode[];
  readonly #indices: ReadonlyMap<string, number>;
  /** The index of the parent of each node; −1 for a first message of the conversation. */
  readonly #parents: readonly number[];

  /** @param nodes In chronological order. */
  constructor(nodes: readonly MessageNode[]) {
    this.#nodes = nodes;
    this.#indices = new Map(nodes.map(({ id }, index) => [id, index]));
    this.#parents = nodes.map(({ parent }, index) => {
      if (parent === '') return -1;
      const given = parent === null ? undefined : this.#indices.get(parent);
      return given === undefined || given >= index ? index - 1 : given;
    });
  }

  /** Returns the index in a branch of the first message after that with a number, which may be on another branch. */
  after(number: number, branch: readonly MessageNode[]): number {
    const last = this.#nodes.findIndex((node) => node.number === number);
    const next = branch.findIndex(({ id }) => (this.#indices.get(id) ?? 0) > last);
    return next === -1 ? branch.length : next;
  }

  /** The id of the newest message; `''` if there is none. */
  get newest(): string {
    return this.#nodes.findLast(({ isDeleted }) => !isDeleted)?.id ?? '';
  }

  has(id: string): boolean {
    return this.#nodes[this.#indices.get(id) ?? -1]?.isDeleted === false;
  }

  /**
   * Returns the branch through a message to the newest one after it; for null, the newest branch. In the place of a
   * deleted message without later ones it shows the message before it.
   */
  shown(selected: string | null): BranchNode[] {
    const newest = this.#newestChildren();
    let index = (selected === null ? undefined : this.#indices.get(selected)) ?? -1;
    while (this.#nodes[index]?.isDeleted === true && newest[index] === undefined) index = this.#parents[index] ?? -1;
    if (index === -1) index = this.#nodes.findLastIndex(({ isDeleted }) => !isDeleted);
    for (let child = newest[index]; child !== undefined; child = newest[index]) index = child;
    return this.#to(index);
  }

  /** Returns the messages from the first one to this one. */
  upTo(id: string): BranchNode[] {
    return this.#to(this.#indices.get(id) ?? -1);
  }

  /** Returns the alternatives of each message of a branch, itself included, by its id: the messages with its parent. */
  siblings(branch: readonly MessageNode[]): Map<string, readonly string[]> {
    const children = new Map<number, string[]>();
    for (const [index, parent] of this.#parents.entries()) {
      const node = this.#nodes[index];
      if (node === undefined || node.isDeleted) continue;
      const ids = children.get(parent);
      if (ids === undefined) children.set(parent, [node.id]);
      else ids.push(node.id);
    }
    return new Map(
      branch.flatMap(({ id }) => {
        const ids = children.get(this.#parents[this.#indices.get(id) ?? -1] ?? -1) ?? [];
        return ids.length > 1 ? [[id, ids] as const] : [];
      }),
    );
  }

  #to(end: number): BranchNode[] {
    const nodes: MessageNode[] = [];
    for (let index = end; index >= 0; index = this.#parents[index] ?? -1) {
      const node = this.#nodes[index];
      if (node !== undefined && !node.isDeleted) nodes.push(node);
    }
    return nodes.reverse().map((node, at) => ({ ...node, before: nodes[at - 1]?.id ?? null }));
  }

  /** The newest child of each node that leads to a message that is not deleted. */
  #newestChildren(): (number | undefined)[] {
    const newest: (number | undefined)[] = Array.from({ length: this.#nodes.length });
    for (let index = this.#nodes.length - 1; index >= 0; index -= 1) {
      const parent = this.#parents[index] ?? -1;
      const isShown = this.#nodes[index]?.isDeleted === false || newest[index] !== undefined;
      if (isShown && parent >= 0) newest[parent] ??= index;
    }
    return newest;
  }
}
