import { createHash, randomUUID } from 'node:crypto';
import { readdir, rename, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { belongsTo, ownerOf, STATE_NAME } from '../../states/state-name.ts';
import type { Model, Sequence, Token } from '../binding-types.ts';
import { isIntact, readHead, type StateHead, seal } from './state-file.ts';

/** Shortest state that is saved, tokens: evaluating fewer takes about as long as reading a file. */
export const MIN_SAVED_TOKENS = 64;

/** A state on the disk. */
export interface SavedState extends StateHead {
  readonly name: string;
  readonly owner: string;
}

/** The states of this model on the disk, in this process's folder. */
export class SavedStates {
  readonly #model: Model;
  readonly #folder: string;
  readonly #key: string;
  readonly #maxTokens: number;
  readonly #onChange: () => void;
  readonly #states = new Map<string, SavedState>();
  readonly #read: Promise<void>;

  /**
   * @param options.key Identifies what states can be used with: model, settings, release of llama.cpp.
   * @param options.maxTokens Longest state that is saved.
   * @param options.onChange Called after a state was written or removed.
   */
  constructor(options: { model: Model; folder: string; key: string; maxTokens: number; onChange: () => void }) {
    this.#model = options.model;
    this.#folder = options.folder;
    this.#key = options.key;
    this.#maxTokens = options.maxTokens;
    this.#onChange = options.onChange;
    this.#read = this.#readAll();
  }

  /** Returns the state with the longest usable beginning in common with a prompt, and its length in tokens. */
  async best(tokens: readonly Token[]): Promise<{ readonly state: SavedState; readonly shared: number } | undefined> {
    await this.#read;
    let best: { state: SavedState; shared: number } | undefined;
    for (const state of this.#states.values()) {
      const shared = this.#sharedWith(state, tokens);
      if (shared > (best?.shared ?? 0)) best = { state, shared };
    }
    return best;
  }

  /**
   * Loads a state into an empty sequence. A damaged file is removed.
   *
   * @returns whether it was loaded; otherwise the sequence is still empty.
   */
  async load(state: SavedState, sequence: Sequence): Promise<boolean> {
    const path = join(this.#folder, state.name);
    try {
      if (!(await isIntact(path, state))) throw new Error('The state is damaged');
      await sequence.loadStateFromFile(path, { acceptRisk: true });
      if (sequence.contextTokens.some((token, i) => token !== state.tokenIds[i])) throw new Error('Other tokens');
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return true;
    } catch {
      await sequence.clearHistory();
      await this.#remove(state.name);
      return false;
    }
  }

  /** Saves the state of a sequence, unless it is too short or too long. Never rejects: on a full disk nothing is saved. */
  async save(sequence: Sequence, conversation: string | undefined): Promise<void> {
    const owner = ownerOf(conversation);
    const tokens = sequence.contextTokens.slice();
    const name = nameOf(tokens, owner);
    if (tokens.length < MIN_SAVED_TOKENS || tokens.length > this.#maxTokens || this.#states.has(name)) return;
    const temporary = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      const firstCell = Math.max(0, sequence.stateCellsStartIndex);
      await sequence.saveStateToFile(temporary);
      const description = { key: this.#key, tokens: tokens.length, firstCell };
      await seal(temporary, description);
      await rename(temporary, join(this.#folder, name));
      const tokenIds = Uint32Array.from(tokens);
      if (this.#canGoBack) {
        for (const older of this.#states.values())
          if (isBeginning(older.tokenIds, tokenIds)) await this.#drop(older.name);
      }
      this.#states.set(name, { ...description, name, owner, tokenIds });
      this.#onChange();
    } catch {
      await unlink(temporary).catch(() => undefined);
    }
  }

  /** Removes the states of a conversation, and those without one. */
  async forget(conversation: string): Promise<void> {
    await this.#read;
    for (const { name, owner } of this.#states.values()) if (belongsTo(owner, conversation)) await this.#remove(name);
  }

  /** Whether a sequence can continue from any of its tokens: no layer has dropped earlier keys and values. */
  get #canGoBack(): boolean {
    const { isHybrid, isRecurrent, swaSize } = this.#model.fileInsights;
    return !isHybrid && !isRecurrent && swaSize === undefined;
  }

  #sharedWith({ tokenIds, firstCell }: SavedState, tokens: readonly Token[]): number {
    // The last token is always evaluated.
    const most = Math.min(tokenIds.length, tokens.length - 1);
    let shared = 0;
    while (shared < most && tokenIds[shared] === tokens[shared]) shared += 1;
    if (shared === tokenIds.length || this.#canGoBack) return shared;
    const { isHybrid, isRecurrent, swaSize = 0 } = this.#model.fileInsights;
    if (isHybrid || isRecurrent) return 0;
    return firstCell === 0 || shared >= firstCell + swaSize ? shared : 0;
  }

  async #readAll(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const owner = STATE_NAME.exec(name)?.groups?.owner;
      if (owner === undefined) continue;
      const head = await readHead(join(this.#folder, name), this.#key).catch(() => undefined);
      if (head === undefined) await this.#remove(name);
      else this.#states.set(name, { ...head, name, owner });
    }
  }

  async #remove(name: string): Promise<void> {
    await this.#drop(name);
    this.#onChange();
  }

  async #drop(name: string): Promise<void> {
    this.#states.delete(name);
    await unlink(join(this.#folder, name)).catch(() => undefined);
  }
}

function nameOf(tokens: readonly Token[], owner: string): string {
  return `${createHash('sha256').update(Uint32Array.from(tokens)).digest('hex').slice(0, 32)}-${owner}.state`;
}

function isBeginning(part: Uint32Array, whole: Uint32Array): boolean {
  return part.length < whole.length && part.every((token, i) => token === whole[i]);
}
