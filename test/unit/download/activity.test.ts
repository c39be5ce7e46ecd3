import { describe, expect, it } from '@jest/globals';
import { activityFields, stepMessage } from '../../../host/actions/progress.ts';
import { ActivityWatch } from '../../../host/download/activity.ts';
import { HubError } from '../../../host/hub/hub-error.ts';

const START = 1_700_000_000_000;
const limited = new HubError('RATE_LIMITED', 'Too many requests.', { transient: true, retryAfterMs: 25_000 });

describe('the activity of a download', () => {
  let now = START;
  const watch = () => {
    now = START;
    return new ActivityWatch(20_000, () => now);
  };

  it('is not stalled while bytes arrive', () => {
    const activity = watch();
    for (let bytes = 1; bytes < 10; bytes += 1) {
      now += 3000;
      activity.record(bytes);
      activity.connections = { connections: 4, pause: undefined };
      expect(activity.current).toEqual({ connections: 4, stalledSince: undefined, next: undefined });
    }
  });

  it('reports since when it is stalled, and when connections are replaced', () => {
    const activity = watch();
    activity.record(7);
    activity.connections = { connections: 2, pause: undefined };
    now += 3999;
    expect(activity.current.stalledSince).toBeUndefined();
    now += 1001;
    activity.record(7);
    expect(activityFields(activity.current, now)).toEqual({
      connections: 2,
      stalled: true,
      stalledSince: START / 1000,
      next: { action: 'reconnect', inSeconds: 15, code: null },
    });
    activity.record(8);
    expect(activity.current.stalledSince).toBeUndefined();
  });

  it('counts down to the time at which the hub accepts requests again', () => {
    const activity = watch();
    activity.asking = { reason: 'requested', error: limited, until: START + 25_000 };
    expect(activityFields(activity.current, now).next).toEqual({ action: 'wait', inSeconds: 25, code: 'RATE_LIMITED' });
    now += 24_500;
    expect(activityFields(activity.current, now).next).toMatchObject({ inSeconds: 1 });
    expect(stepMessage('Downloading', activity.current, now)).toContain('1 s');
    now += 9000;
    expect(activityFields(activity.current, now).next).toMatchObject({ inSeconds: 0 });
    activity.connections = { connections: 1, pause: undefined };
    activity.record(1);
    expect(activity.current.next).toBeUndefined();
    expect(stepMessage('Downloading', activity.current, now)).toBe('Downloading');
  });

  it('says that a hub which is asked about the files is silent, and when the request is sent again', () => {
    const activity = watch();
    activity.asking = undefined;
    now += 3999;
    expect(activity.current).toEqual({ connections: 0, stalledSince: undefined, next: undefined });
    now += 41_001;
    expect(activityFields(activity.current, now)).toEqual({
      connections: 0,
      stalled: true,
      stalledSince: START / 1000,
      next: { action: 'reconnect', inSeconds: 15, code: null },
    });
    expect(stepMessage('Contacting the hub', activity.current, now)).toBe('Contacting the hub (no data for 45 s)');
    // The hub has answered, and what is on the disk is read.
    activity.connections = { connections: 0, pause: undefined };
    expect(activity.current.next).toBeUndefined();
  });

  it('does not report the pause of one connection while others receive data', () => {
    const activity = watch();
    const pause = { reason: 'failed' as const, error: limited, until: START + 1000 };
    activity.connections = { connections: 3, pause };
    expect(activity.current.next).toBeUndefined();
    activity.connections = { connections: 0, pause };
    expect(activity.current.next).toMatchObject({ action: 'retry', code: 'RATE_LIMITED' });
  });

  it('reports nothing if another process downloads', () => expect(activityFields(undefined)).toEqual({}));
});
