import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy in front of a server that can lose its connections, as when a computer switches to another Wi-Fi network. */
export class LossyNetwork {
  /** Number of bytes that clients sent over lost connections. */
  lostBytes = 0;
  readonly #server: Server;
  readonly #connections = new Map<Socket, { isLost: boolean; readonly upstream: Socket }>();

  private constructor(target: URL) {
    this.#server = createServer((socket) => this.#accept(socket, target));
  }

  /** Starts a proxy for a server. */
  static async open(target: string): Promise<LossyNetwork> {
    const network = new LossyNetwork(new URL(target));
    await new Promise<void>((resolve) => network.#server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Silently drops all further data on the current connections. New connections work. */
  lose(): void {
    for (const connection of this.#connections.values()) {
      connection.isLost = true;
      connection.upstream.destroy();
    }
  }

  async close(): Promise<void> {
    for (const [socket, { upstream }] of this.#connections) {
      socket.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket, { hostname, port }: URL): void {
    const upstream = connect(Number(port), hostname);
    const connection = { isLost: false, upstream };
    this.#connections.set(socket, connection);
    socket.on('data', (bytes) => {
      if (connection.isLost) this.lostBytes += bytes.length;
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!connection.isLost) socket.write(bytes);
    });
    upstream.on('close', () => {
      if (!connection.isLost) socket.destroy();
    });
    socket.on('close', () => {
      this.#connections.delete(socket);
      upstream.destroy();
    });
    for (const end of [socket, upstream]) end.on('error', () => {});
  }
}
