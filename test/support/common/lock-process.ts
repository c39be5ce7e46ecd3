import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LockCommand } from './lock-child.ts';

/** A process that acquires, checks and releases locks on command. */
export class LockProcess {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'lock-child.ts'));
  readonly #exited = once(this.#child, 'exit');

  async run(command: LockCommand['command'], path: string): Promise<boolean> {
    const reply = once(this.#child, 'message');
    this.#child.send({ command, path });
    const [result] = await Promise.race([reply, this.#exited]);
    if (typeof result !== 'boolean') throw new Error('The process exited before it replied');
    return result;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
