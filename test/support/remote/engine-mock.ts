import { LLMock } from '@copilotkit/aimock';

/** What the mock answers to a message that has the key's words in it. */
export const ANSWERS = { weather: 'Sunny, with a little wind 🌤 from the west.', numbers: 'one two three' } as const;

/**
 * An OpenAI-compatible server by people who know nothing of this host: `@copilotkit/aimock`. It serves models,
 * conversations with streaming and usage, and embeddings.
 *
 * @param options.keys Keys it takes; none = no key is asked for.
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
