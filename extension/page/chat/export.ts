import type { Conversation, StoredMessage } from './conversations.svelte.ts';

/** A conversation with its messages. */
export interface FullConversation {
  readonly conversation: Conversation;
  readonly messages: readonly StoredMessage[];
}

/** Returns a conversation as Markdown: its title, then each message below the name of its role. */
export function toMarkdown({ conversation, messages }: FullConversation): string {
  const parts = messages.map(({ role, content }) => `## ${role}\n\n${content.trim()}\n`);
  return [`# ${conversation.title}\n`, ...parts].join('\n');
}

/** Returns a conversation as JSON, with the fields that the host stores. */
export function toJson({ conversation, messages }: FullConversation): string {
  return `${JSON.stringify({ conversation, messages }, null, 2)}\n`;
}

/** Saves a conversation as a file, where the browser puts downloads. */
export function exportConversation(conversation: FullConversation, format: 'markdown' | 'json'): void {
  const [text, type, extension] =
    format === 'markdown'
      ? [toMarkdown(conversation), 'text/markdown', 'md']
      : [toJson(conversation), 'application/json', 'json'];
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${fileName(conversation.conversation.title)}.${extension}`;
  link.click();
  // The browser has taken the content by the time other code runs.
  setTimeout(() => URL.revokeObjectURL(url));
}

/** Longest file name, characters: well below the limit of every file system. */
const MAX_NAME_LENGTH = 80;

/** Returns a title without the characters that file systems do not allow. */
export function fileName(title: string): string {
  const words = title.replace(/[\p{Cc}\\/:*?"<>|]+/gu, ' ').trim();
  // A leading dot hides a file, a trailing one is not allowed on Windows.
  const name = words.replace(/\s+/g, ' ').replace(/^[. ]+|[. ]+$/g, '');
  return name.slice(0, MAX_NAME_LENGTH).trim() || 'conversation';
}
