import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LockCommand } from './lock-child.ts';

/** Another process that takes, releases and asks about locks when it is told to. */
export class LockProcess {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'lock-child.ts'));
  readonly #exited = once(this.#child, 'exit');

  async do(command: LockCommand['command'], path: string): Promise<boolean> {
    const answer = once(this.#child, 'message');
    this.#child.send({ command, path });
    const [result] = await Promise.race([answer, this.#exited]);
    if (typeof result !== 'boolean') throw new Error('The process ended before it answered');
    return result;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
