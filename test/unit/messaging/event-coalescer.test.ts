import { describe, expect, it } from '@jest/globals';
import { coalescingKey } from '../../../host/messaging/event-coalescer.ts';
import type { HostEvent } from '../../../host/protocol/messages.ts';

const event = (type: HostEvent['type'], fileName: string, loaded = 0) =>
  ({ type, payload: { fileName, loaded } }) as unknown as HostEvent;

describe('coalescingKey', () => {
  const fields = ['fileName'];
  const key = coalescingKey(event('MODEL_DOWNLOAD_PROGRESS', 'a', 1), fields);

  it('is the same for events that differ only in other fields', () => {
    expect(coalescingKey(event('MODEL_DOWNLOAD_PROGRESS', 'a', 2), fields)).toBe(key);
  });

  it('distinguishes the given fields, and the types of events', () => {
    expect(coalescingKey(event('MODEL_DOWNLOAD_PROGRESS', 'b', 1), fields)).not.toBe(key);
    expect(coalescingKey(event('MODEL_UNLOADED', 'a', 1), fields)).not.toBe(key);
  });
});
