/** The content of a message, as requests have it. */
interface MessageContent {
  readonly content?: string | null | readonly { readonly text?: unknown }[] | undefined;
}

/** Returns the text of a message: its content, or the text parts of it joined. */
export function contentText({ content }: MessageContent): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}
