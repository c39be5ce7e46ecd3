import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeIfInstalled } from '../../support/describe-unless.ts';
import { BROWSERS, BrowserFixture } from '../../support/extension/browser-fixture.ts';
import { startMock } from '../../support/remote/engine-mock.ts';

const KEY = 'sk-only-for-the-mock-0123456789';

for (const kind of BROWSERS) {
  describeIfInstalled(`remote engines in ${kind.name}`, kind.programs, (program) => {
    let fixture: BrowserFixture;
    beforeEach(async () => {
      fixture = await BrowserFixture.open(kind, program, { repos: {} }, { MOCK_KEY: KEY });
    });
    afterEach(() => fixture.close());

    it('are added after the user confirms where messages are sent, tested, and removed', async () => {
      fixture.install();
      const mock = fixture.use(await startMock({ keys: [KEY] }));
      const { host } = new URL(mock.url);
      const page = await fixture.page('options.html');
      await page.click('#engines > div:last-child button');
      await page.fill('#engines [type=url]', mock.url);
      await page.fill('#engines [pattern]', 'mock');
      await page.fill('#engines [type=password]', KEY);
      await page.click('#engines .add [type=submit]');
      const text = await page.waitForText('dialog', host);
      expect(text).toContain(`are sent to ${host}. The connection is not encrypted.`);
      await page.saveScreenshot(`${kind.name}-light-engine-confirm`);
      expect(await page.accessibilityViolations()).toEqual([]);
      // Nothing is added before.
      expect(await page.request('LIST_REMOTE_ENGINES')).toEqual({ engines: [] });
      await page.click('dialog .primary');

      await page.waitForText('[data-engine=mock]', 'API key saved');
      await page.waitForText('[data-engine=mock] .good', 'Connected');
      await page.evaluate(`document.querySelector('#engines').scrollIntoView()`);
      await page.saveScreenshot(`${kind.name}-light-engines`);
      expect(await page.accessibilityViolations()).toEqual([]);

      await page.click('[aria-label="Remove mock"]');
      await page.click('dialog .danger');
      await page.waitForText('.toasts', '“mock” was removed.');
      await page.waitFor(`document.querySelector('[data-engine]') === null`);
      expect(await page.request('LIST_REMOTE_ENGINES')).toEqual({ engines: [] });
    });

    it('show the source of their API key, and do not send a key that was entered for another engine', async () => {
      const mock = fixture.use(await startMock({ keys: [KEY] }));
      await fixture.configure({
        remoteEngines: [
          { name: 'with-variable', url: mock.url, keyVariable: 'MOCK_KEY' },
          { name: 'without', url: mock.url },
        ],
      });
      fixture.install();
      const page = await fixture.page('options.html');
      await page.waitForText('[data-engine=with-variable]', 'API key from MOCK_KEY');
      await page.waitForText('[data-engine=without] .warn', 'Not reachable');
      await page.click('[aria-label="API key… (with-variable)"]');
      await page.fill('.key input', 'typed-for-the-first');
      await page.click('.key [type=button]');
      await page.click('[aria-label="API key… (without)"]');
      await page.waitForElement('[data-engine=without] .key');
      expect(await page.evaluate(`document.querySelector('.key input').value`)).toBe('');
      await page.fill('.key input', KEY);
      await page.click('.key [type=submit]');
      await page.waitForText('[data-engine=without]', 'API key saved');
      await page.waitForText('[data-engine=without] .good', 'Connected');
    });
  });
}
