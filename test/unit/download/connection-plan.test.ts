import { describe, expect, it } from '@jest/globals';
import { ConnectionPlan } from '../../../host/download/connection-plan.ts';

/** A network: returns the total rate of this many connections. */
type Line = (connections: number) => number;

/** Each connection has the same rate, up to a total. */
const each =
  (perConnection: number, together = Number.POSITIVE_INFINITY): Line =>
  (connections) =>
    Math.min(connections * perConnection, together);

/** Returns the planned numbers of connections over this many samples. */
function follow(plan: ConnectionPlan, line: Line, looks: number): number[] {
  return Array.from({ length: looks }, () => {
    plan.sample(line(plan.target));
    return plan.target;
  });
}

function average(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}

describe('the number of connections', () => {
  it('doubles while new ones deliver as much as those before, up to the maximum', () => {
    const plan = new ConnectionPlan({ initial: 2, max: 16 });
    expect(plan.target).toBe(2);
    const targets = follow(plan, each(100), 12);
    expect(targets.at(-1)).toBe(16);
    expect(targets.indexOf(16)).toBeLessThan(8);
  });

  it('does not grow while the rate is sufficient, and grows when it no longer is', () => {
    const plan = new ConnectionPlan({ initial: 8, max: 16, sufficientRate: 500 });
    expect(Math.max(...follow(plan, each(100), 100))).toBe(8);
    expect(follow(plan, each(20), 100).at(-1)).toBe(16);
  });

  it('decreases if more do not help, and finds that fewer suffice', () => {
    const plan = new ConnectionPlan({ initial: 8, max: 16 });
    const targets = follow(plan, each(100, 100), 400);
    expect(average(targets.slice(300))).toBeLessThan(3);
    expect(Math.min(...targets)).toBeGreaterThanOrEqual(1);
  });

  it('stays at a good number, except for occasional trials', () => {
    const plan = new ConnectionPlan({ initial: 4, max: 16 });
    const targets = follow(plan, each(100, 400), 300).slice(100);
    expect(targets.filter((target) => target === 4).length).toBeGreaterThan(0.85 * targets.length);
  });

  it('decreases on a network that gets slower with many connections', () => {
    const plan = new ConnectionPlan({ initial: 8, max: 16 });
    const targets = follow(plan, (connections) => 1000 / connections, 300);
    expect(average(targets.slice(200))).toBeLessThan(2.5);
  });

  it('increases again when the network gets faster', () => {
    const plan = new ConnectionPlan({ initial: 4, max: 16 });
    follow(plan, each(100, 100), 200);
    expect(follow(plan, each(100), 200).at(-1)).toBe(16);
  });

  it('does not exceed the number that the server accepts, and waits long before it tries more', () => {
    const plan = new ConnectionPlan({ initial: 8, max: 16 });
    plan.refused(3);
    expect(plan.target).toBe(3);
    expect(Math.max(...follow(plan, each(100), 40))).toBe(3);
    expect(Math.max(...follow(plan, each(100), 40))).toBeGreaterThan(3);
  });

  it('never increases after a rejection, and is at least one', () => {
    const plan = new ConnectionPlan({ initial: 4, max: 16 });
    plan.refused(12);
    expect(plan.target).toBe(4);
    plan.refused(0);
    expect(plan.target).toBe(1);
  });

  it.each([0, -3, 1])('is at least one for a maximum of %i', (most) => {
    const plan = new ConnectionPlan({ initial: 8, max: most });
    expect(plan.target).toBe(1);
    expect(new Set(follow(plan, each(100), 50))).toEqual(new Set([1]));
  });
});
