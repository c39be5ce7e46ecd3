import { codeBlock } from '../../page-context/code-block.ts';

/** A text file that is sent with a message. */
export interface Attachment {
  readonly name: string;
  readonly text: string;
}

/** Longest file taken, bytes: about 50,000 tokens, more than the context of most models. */
export const MAX_FILE_BYTES = 200_000;

/** Why a file was not taken. */
export type AttachmentProblem = 'tooLarge' | 'notText';

/** Reads a file as text. Returns why it cannot be taken otherwise. */
export async function readAttachment(file: File): Promise<Attachment | AttachmentProblem> {
  if (file.size > MAX_FILE_BYTES) return 'tooLarge';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return text.includes('\0') ? 'notText' : { name: file.name, text };
  } catch {
    return 'notText';
  }
}

/** Returns a message with files below it, each in a code block that its content cannot close. */
export function withAttachments(message: string, attachments: readonly Attachment[]): string {
  const blocks = attachments.map(({ name, text }) => `${name}\n${codeBlock(text.replace(/\n$/, ''))}`);
  return [message, ...blocks].filter((part) => part !== '').join('\n\n');
}
