import { text } from 'node:stream/consumers';
import { messageOf } from '../common/errors.ts';
import { KEYCHAIN_SERVICE, type KeychainReply, type KeychainRequest } from './keychain-request.ts';

/**
 * Executes one request to the system keychain: macOS Keychain, Windows Credential Manager, or the Secret Service of a
 * Linux desktop. Runs in a separate process, because a keychain may prompt the user for a password, or hang.
 */
export async function runKeychain(): Promise<void> {
  const request: KeychainRequest = JSON.parse(await text(process.stdin));
  const reply = await execute(request).catch((error: unknown): KeychainReply => ({ error: messageOf(error) }));
  process.stdout.write(JSON.stringify(reply));
}

async function execute(request: KeychainRequest): Promise<KeychainReply> {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  // The library's other backend on Linux, the kernel keyring, is cleared when the computer restarts.
  const entry = new AsyncEntry(KEYCHAIN_SERVICE, request.account, { linux: { store: 'secret-service' } });
  if (request.do === 'get') return { value: await entry.getPassword() };
  if (request.do === 'set') await entry.setPassword(request.value);
  else await entry.deleteCredential();
  return { value: null };
}
