import { describe, expect, it } from '@jest/globals';
import { SpeedMeter } from '../../../host/download/speed-meter.ts';

describe('SpeedMeter', () => {
  it('measures the speed of only the last seconds', () => {
    let now = 0;
    const meter = new SpeedMeter(() => now);
    let bytes = 0;
    expect(meter.bytesPerSecond).toBe(0);
    for (; now <= 10_000; now += 100) {
      meter.record(bytes);
      bytes += 100_000;
    }
    expect(meter.bytesPerSecond).toBeCloseTo(1_000_000, -3);
    for (; now <= 20_000; now += 100) meter.record(bytes);
    expect(meter.bytesPerSecond).toBe(0);
  });

  it('reports no speed at first, when bytes arrive all at once', () => {
    let now = 0;
    const meter = new SpeedMeter(() => now);
    meter.record(0);
    now = 3;
    meter.record(30_000_000);
    expect(meter.bytesPerSecond).toBe(0);
  });

  it('is never negative, even if a chunk is discarded', () => {
    let now = 0;
    const meter = new SpeedMeter(() => now);
    meter.record(1000);
    now = 500;
    meter.record(0);
    expect(meter.bytesPerSecond).toBe(0);
  });
});
