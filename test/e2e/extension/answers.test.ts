import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeWith } from '../../support/describe-where.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';

const CODE = 'const area = (r: number) => Math.PI * r ** 2; // of a circle';

const ANSWER = `The area of a circle with radius $r$ is

$$A = \\int_0^{2\\pi}\\!\\int_0^r \\rho \\, d\\rho \\, d\\varphi = \\pi r^2$$

where \\(\\pi \\approx 3.14159\\). A ring costs $5 to $10.

\`\`\`ts
${CODE}
\`\`\`

An unknown command is shown as written: $\\nosuchcommand{x}$.`;

for (const kind of BROWSERS) {
  describeWith(`answers in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: {} });
    });
    afterEach(() => fixture.close());

    it.each([
      ['light', false],
      ['dark', true],
    ])('show formulas as MathML and code in color, and both are as written when copied: %s', async (theme, dark) => {
      fixture.install();
      const page = await fixture.page('sidepanel.html', { dark });
      await page.waitForText('header', 'Connected');
      await page.ask('CREATE_CONVERSATION', { id: 'circle', title: 'Circles' });
      await page.ask('ADD_MESSAGES', {
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
      // What is not a formula, or has an error, is text.
      const text = await page.waitForText('.answer');
      expect(text).toContain('A ring costs $5 to $10.');
      expect(text).toContain('\\nosuchcommand{x}');
      await page.waitForElement('.code .keyword');
      expect(await page.evaluate(`document.querySelector('.code pre').textContent`)).toBe(CODE);
      await page.evaluate(`document.querySelector('.answer').scrollIntoView()`);
      await page.saveScreenshot(`${kind.name}-${theme}-answer-formulas`);
      expect(await page.accessibilityViolations()).toEqual([]);
    });
  });
}
