import { text } from 'node:stream/consumers';
import { KEYCHAIN_SERVICE, type KeychainAnswer, type KeychainRequest } from './keychain-request.ts';

/**
 * The program that asks the system's keychain one thing: macOS's Keychain, Windows' Credential Manager, the Secret
 * Service of a Linux desktop. A process of its own, since a keychain may ask its user for a password, or hang.
 */
export async function runKeychain(): Promise<void> {
  const order: KeychainRequest = JSON.parse(await text(process.stdin));
  const answer = await carryOut(order).catch((error: unknown): KeychainAnswer => ({ error: reasonOf(error) }));
  process.stdout.write(JSON.stringify(answer));
}

async function carryOut(order: KeychainRequest): Promise<KeychainAnswer> {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  // Not the kernel's keyring, which is the library's other choice on Linux: it forgets everything at a restart.
  const entry = new AsyncEntry(KEYCHAIN_SERVICE, order.account, { linux: { store: 'secret-service' } });
  if (order.do === 'get') return { value: await entry.getPassword() };
  if (order.do === 'set') await entry.setPassword(order.value);
  else await entry.deleteCredential();
  return { value: null };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
