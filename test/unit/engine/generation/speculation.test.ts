import { describe, expect, it } from '@jest/globals';
import type { Token } from '../../../../host/engine/runner/binding-types.ts';
import { DraftPauses, type Predictor, Speculation } from '../../../../host/engine/runner/generation/speculation.ts';

const PROMPT = Array.from({ length: 60 }, (_, index) => 100 + index) as Token[];

/** Predicts the rest of the prompt. */
function quoting(position: number): Predictor {
  let next = position;
  return {
    pushTokens: (tokens) => {
      next += tokens.length;
    },
    predictTokens: () => PROMPT.slice(next),
  };
}

/** A speculation that knows what a token costs: 10 ms. */
function speculationAt(position: number, longest = 16): Speculation {
  const speculation = new Speculation(quoting(position), longest);
  speculation.learnToken(10);
  return speculation;
}

describe('Speculation', () => {
  it('predicts what comes after the generated tokens', async () => {
    const speculation = speculationAt(10);
    expect(await speculation.draft(100)).toEqual(PROMPT.slice(10, 13));
    speculation.push(PROMPT.slice(10, 12));
    expect(await speculation.draft(100)).toEqual(PROMPT.slice(12, 15));
  });

  it('predicts nothing before it knows what a token costs', async () => {
    const speculation = new Speculation(quoting(10), 16);
    expect(await speculation.draft(100)).toEqual([]);
    speculation.learnToken(10);
    expect(await speculation.draft(100)).not.toEqual([]);
  });

  it('predicts no more tokens than fit', async () => {
    expect(await speculationAt(10).draft(2)).toHaveLength(2);
    expect(await speculationAt(10).draft(-1)).toEqual([]);
    expect(await speculationAt(10, 1).draft(100)).toHaveLength(1);
  });

  it('predicts more tokens after a draft that was right, and fewer after one that was wrong', async () => {
    const speculation = speculationAt(10);
    speculation.learnDraft({ drafted: 4, accepted: 4, milliseconds: 15 });
    expect(await speculation.draft(100)).toHaveLength(8);
    speculation.learnDraft({ drafted: 8, accepted: 3, milliseconds: 15 });
    expect(await speculation.draft(100)).toHaveLength(3);
  });

  it('pauses when drafts are wrong, for longer each time', async () => {
    const speculation = speculationAt(10);
    const pauses = [0, 0, 0];
    for (const index of pauses.keys()) {
      while ((await speculation.draft(100)).length > 0)
        speculation.learnDraft({ drafted: 4, accepted: 0, milliseconds: 20 });
      for (; (await speculation.draft(100)).length === 0; pauses[index] = (pauses[index] ?? 0) + 1) {
        speculation.learnToken(10);
      }
    }
    expect(pauses).toEqual([16, 32, 64]);
  });

  it('pauses from the beginning where the last output of the same predictor had lost time', async () => {
    const pauses = new DraftPauses();
    const before = new Speculation(quoting(10), 16, pauses);
    before.learnToken(10);
    before.learnDraft({ drafted: 4, accepted: 0, milliseconds: 40 });
    const speculation = new Speculation(quoting(10), 16, pauses);
    for (let i = 0; i < 15; i += 1) speculation.learnToken(10);
    expect(await speculation.draft(100)).toEqual([]);
    speculation.learnToken(10);
    expect(await speculation.draft(100)).not.toEqual([]);
  });

  it('pauses when drafts are right but cost more than their tokens one by one', async () => {
    const speculation = speculationAt(10);
    speculation.learnDraft({ drafted: 4, accepted: 4, milliseconds: 75 });
    expect(await speculation.draft(100)).toEqual([]);
  });

  it('does not set off what it saved long ago against what it costs now', async () => {
    const speculation = speculationAt(10);
    for (let i = 0; i < 50; i += 1) speculation.learnDraft({ drafted: 4, accepted: 4, milliseconds: 15 });
    for (let i = 0; i < 4; i += 1) speculation.learnDraft({ drafted: 4, accepted: 0, milliseconds: 20 });
    expect(await speculation.draft(100)).toEqual([]);
  });
});
