import { createHash } from 'node:crypto';

/** Names of state files: a digest of the tokens, and one of the conversation. */
export const STATE_NAME = /^[0-9a-f]{32}-(?<owner>[0-9a-f]{16}|none)\.state$/;

/** Returns the part of a state file's name that identifies its conversation. */
export function ownerOf(conversation: string | undefined): string {
  return conversation === undefined ? 'none' : digest(conversation).slice(0, 16);
}

/** Returns whether a state is removed with a conversation: its own, and those without one, which may have its text. */
export function belongsTo(owner: string, conversation: string): boolean {
  return owner === 'none' || owner === ownerOf(conversation);
}

/** Returns the SHA-256 of a text, in hexadecimal digits. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
