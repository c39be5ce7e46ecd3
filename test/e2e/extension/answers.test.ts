import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { MODELS, modelId, REPO } from '../../support/extension/models.ts';

const CODE = 'const area = (r: number) => Math.PI * r ** 2; // of a circle';

const ANSWER = `The area of a circle with radius $r$ is

$$A = \\int_0^{2\\pi}\\!\\int_0^r \\rho \\, d\\rho \\, d\\varphi = \\pi r^2$$

where \\(\\pi \\approx 3.14159\\). A ring costs $5 to $10.

\`\`\`ts
${CODE}
\`\`\`

Some books write $\\Area{r}$ for it.`;

for (const kind of BROWSERS) {
  describeIfInstalled(`answers in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: { [REPO]: { files: MODELS } } });
    });
    afterEach(() => fixture.close());

    it('do not block the page, even with hostile code and formulas', async () => {
      fixture.install();
      const page = await fixture.page('sidepanel.html');
      await page.waitForText('header', 'Connected');
      await page.request('CREATE_CONVERSATION', { id: 'slow', title: 'Slow' });
      // Highlighting a Java word of this length takes seconds.
      const slow = '$'.repeat(20_000);
      const deep = `$${'{'.repeat(400)}x${'}'.repeat(400)}$`;
      const content = `\`\`\`java\n${slow}\n\`\`\`\n\n${deep}\n\n\`\`\`ts\nconst a = 1;\n\`\`\``;
      const messages = [
        { role: 'user', content: 'Be slow.' },
        { role: 'assistant', content },
      ];
      await page.request('ADD_MESSAGES', { id: 'slow', messages });
      await page.click('header .buttons button');
      await page.click('.row .open');
      await page.waitForElement('.code + p + .code');
      // The block after the slow one is highlighted.
      await page.waitForElement('.code:last-of-type .keyword');
      expect(await page.evaluate(`document.querySelector('.code pre').textContent.length`)).toBe(slow.length);
      expect(
        await page.evaluate(`document.querySelectorAll('.code:first-of-type pre span, .answer math').length`),
      ).toBe(0);
    });

    it.each([
      ['light', false],
      ['dark', true],
    ])('show formulas as MathML and highlighted code, and copy both as written: %s', async (theme, dark) => {
      fixture.install();
      const page = await fixture.page('sidepanel.html', { dark });
      await page.waitForText('header', 'Connected');
      await page.request('LOAD_MODEL', { modelPath: modelId('story.gguf'), settings: { n_threads: 1 } });
      await page.request('CREATE_CONVERSATION', { id: 'circle', title: 'Circles' });
      await page.request('ADD_MESSAGES', {
        id: 'circle',
        messages: [
          { role: 'user', content: 'What is the area of a circle?' },
          { role: 'assistant', content: ANSWER },
        ],
      });
      await page.click('header .buttons button');
      await page.click('.row .open');
      await page.waitForElement('.answer math msubsup');
      await page.waitFor(`document.querySelectorAll('.answer math').length === 3`);
      // Invalid formulas remain text.
      const text = await page.waitForText('.answer');
      expect(text).toContain('A ring costs $5 to $10.');
      expect(text).toContain('\\Area{r}');
      await page.waitForElement('.code .keyword');
      expect(await page.evaluate(`document.querySelector('.code pre').textContent`)).toBe(CODE);
      await page.evaluate(`document.querySelector('.answer').scrollIntoView()`);
      await page.saveScreenshot(`${kind.name}-${theme}-answer-formulas`);
      expect(await page.accessibilityViolations()).toEqual([]);
    });
  });
}
