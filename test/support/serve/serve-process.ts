import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startCommand } from '../cli/run-command.ts';

/** A running `tabagent serve`. */
export class ServeProcess {
  readonly url: string;
  readonly key: string;
  readonly child: ChildProcessWithoutNullStreams;

  private constructor(child: ChildProcessWithoutNullStreams, { url, key }: { url: string; key: string }) {
    this.child = child;
    this.url = url;
    this.key = key;
  }

  static async start(home: string, options: readonly string[] = []): Promise<ServeProcess> {
    const child = startCommand(['serve', '--port', '0', '--json', ...options], { home });
    child.stderr.resume();
    const [line] = await once(createInterface(child.stdout), 'line');
    return new ServeProcess(child, JSON.parse(line));
  }

  /** Terminates it as a service manager does. Returns its exit code. */
  async close(): Promise<number | null> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'close');
    }
    return this.child.exitCode;
  }
}
