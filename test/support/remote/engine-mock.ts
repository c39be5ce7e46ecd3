import { LLMock } from '@copilotkit/aimock';

/** The mock's answers to messages that contain the key. */
export const ANSWERS = { weather: 'Sunny, with a little wind 🌤 from the west.', numbers: 'one two three' } as const;

/**
 * An independent OpenAI-compatible server: `@copilotkit/aimock`. It serves models, streamed chat completions with
 * usage, and embeddings.
 *
 * @param options.keys The accepted API keys. Default: no key is required.
 */
export async function startMock(options: { keys?: readonly string[] } = {}) {
  const mock = new LLMock({
    port: 0,
    host: '127.0.0.1',
    chunkSize: 5,
    ...(options.keys === undefined ? {} : { auth: { apiKeys: [...options.keys] } }),
  });
  for (const [words, content] of Object.entries(ANSWERS)) mock.onMessage(words, { content });
  await mock.start();
  return {
    mock,
    url: `${mock.url}/v1`,
    close: async () => {
      await mock.stop();
    },
  };
}
