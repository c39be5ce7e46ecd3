// client.ts imports nothing, so that other extensions can copy it.
import { type ClientPort, type Message, TabAgentClient, TabAgentError } from '../../extension/web-ai/client.ts';

declare const chrome: { readonly runtime: { connect(extensionId: string): ClientPort } };

/** TabAgent's ID: in Firefox, and in Chromium-based browsers that of its development build. */
const TABAGENT = navigator.userAgent.includes('Firefox') ? 'tabagent@tabagent.dev' : 'himjamfdhofmlajadokkbdcnhlhegnbd';

const client = new TabAgentClient(() => chrome.runtime.connect(TABAGENT));
const question = document.querySelector('input') as HTMLInputElement;
const stop = document.querySelector('#stop') as HTMLButtonElement;
const answer = document.querySelector('#answer') as HTMLElement;

/** The conversation. TabAgent stores none, so each request contains it. */
let messages: readonly Message[] = [{ role: 'system', content: 'Answer briefly.' }];
let controller: AbortController | undefined;

document.querySelector('form')?.addEventListener('submit', (event) => {
  event.preventDefault();
  void ask(question.value);
});
stop.addEventListener('click', () => controller?.abort());

async function ask(content: string): Promise<void> {
  controller?.abort();
  controller = new AbortController();
  const { signal } = controller;
  stop.disabled = false;
  answer.textContent = '';
  const asked: Message[] = [...messages, { role: 'user', content }];
  try {
    const onChunk = (chunk: string) => answer.append(chunk);
    const { text, tokens } = await client.request('prompt', { messages: asked }, { signal, onChunk });
    messages = [...asked, { role: 'assistant', content: text, tokens }];
  } catch (error) {
    if (signal.aborted) return;
    const isRefused = error instanceof TabAgentError && error.name === 'NotAllowedError';
    answer.textContent = isRefused ? 'Allow this extension in the popup of TabAgent, then ask again.' : String(error);
  } finally {
    // A further question may have replaced this one.
    if (controller.signal === signal) stop.disabled = true;
  }
}
