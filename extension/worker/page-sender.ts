/** The sender of a port, as the browser reports it (`runtime.MessageSender`). */
export interface Sender {
  readonly id?: string | undefined;
  readonly url?: string | undefined;
}

/** Returns whether a port comes from a page of this extension: with its id, and a URL below its own. */
export function isOwnPage(sender: Sender | undefined, own: { readonly id: string; readonly base: string }): boolean {
  return sender?.id === own.id && sender.url !== undefined && sender.url.startsWith(own.base);
}
