import { LLMock } from '@copilotkit/aimock';

/** Replies of the mock to messages that contain the key. */
export const ANSWERS = { weather: 'Sunny, with a little wind 🌤 from the west.', numbers: 'one two three' } as const;

/**
 * An independent OpenAI-compatible server: `@copilotkit/aimock`. It serves models, streamed conversations with usage, and
 * embeddings.
 *
 * @param options.keys Accepted keys; empty: no key is required.
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
