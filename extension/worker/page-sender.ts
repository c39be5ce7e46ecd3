/** Who opened a port, as the browser says (`runtime.MessageSender`). */
export interface Sender {
  readonly id?: string | undefined;
  readonly url?: string | undefined;
}

/** Says whether a port comes from a page of this extension: of its id, and with an address below its own. */
export function isOwnPage(sender: Sender | undefined, own: { readonly id: string; readonly base: string }): boolean {
  return sender?.id === own.id && sender.url !== undefined && sender.url.startsWith(own.base);
}
