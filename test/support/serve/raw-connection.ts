import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which tests send any bytes. */
export class RawConnection {
  readonly #socket: Socket;
  #received = '';
  /** Resolves with everything that was received when the connection has ended. */
  readonly ended: Promise<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.#received += text;
    });
    // A connection that is reset has ended, too.
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      socket.on('close', () => resolve(this.#received));
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Sends bytes. */
  send(text: string): void {
    this.#socket.write(text);
  }

  /** Sends no more, but continues to receive. */
  finish(): void {
    this.#socket.end();
  }

  /** Closes the connection. */
  close(): void {
    this.#socket.destroy();
  }

  /** Resolves with what was received once it matches. Rejects if the connection ends before. */
  async received(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.#socket.closed) throw new Error(`The connection ended after: ${this.#received}`);
      await Promise.race([once(this.#socket, 'data'), this.ended]);
    }
    return this.#received;
  }
}
