import { PassThrough } from 'node:stream';
import type { Terminal } from '../../../host/cli/terminal/terminal.ts';

/** A terminal that records its output. */
export class FakeTerminal implements Terminal {
  out = '';
  err = '';
  readonly env: NodeJS.ProcessEnv = {};
  readonly stdin = new PassThrough();
  readonly interactive: boolean = false;
  readonly piped: boolean = false;
  readonly styled = { stdout: false, stderr: false };
  columns: number | undefined;

  constructor(options: { columns?: number } = {}) {
    this.columns = options.columns;
  }

  get stdout() {
    return {
      write: (text: string) => {
        this.out += text;
      },
    };
  }

  get stderr() {
    return {
      write: (text: string) => {
        this.err += text;
      },
    };
  }
}
