import { describe, expect, it } from '@jest/globals';
import { readEndpoint } from '../../../host/remote/endpoint.ts';

const read = (url: string, more = {}) => readEndpoint({ name: 'far', url, ...more });

describe('the URL of an engine', () => {
  it.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/v1'],
    ['http://localhost:1234/v1/', 'http://localhost:1234/v1'],
    ['http://[::1]:8080/v1', 'http://[::1]:8080/v1'],
    ['http://192.168.1.7:8000/v1', 'http://192.168.1.7:8000/v1'],
    ['http://10.0.0.1', 'http://10.0.0.1/v1'],
    ['http://172.31.255.255', 'http://172.31.255.255/v1'],
    ['http://[fd00::1]', 'http://[fd00::1]/v1'],
    ['http://0x7f.1', 'http://127.0.0.1/v1'],
    ['https://api.example.com/openai/v1', 'https://api.example.com/openai/v1'],
  ])('%s is requested at %s', (url, base) => {
    expect(read(url).base).toBe(base);
  });

  it.each([
    ['http://example.com/v1', /https/],
    ['http://8.8.8.8', /https/],
    ['http://172.32.0.1', /https/],
    ['http://127.0.0.1.example.com', /https/],
    ['http://localhost.example.com', /https/],
    ['http://[::ffff:8.8.8.8]', /https/],
    ['http://gpu-box:8000', /plainHttp/],
    ['https://user:secret-word@example.com', /credentials/],
    ['https://example.com/v1?key=secret-word', /query/],
    ['file:///etc/passwd', /http or https/],
    ['not an address', /http or https/],
    ['', /http or https/],
  ])('%s is rejected', (url, why) => {
    expect(() => read(url)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNUSABLE', message: expect.stringMatching(why) }),
    );
    expect(() => read(url)).not.toThrow(/secret-word/);
  });

  it('may be plain HTTP elsewhere if the user allows it', () => {
    expect(read('http://gpu-box:8000', { plainHttp: true })).toMatchObject({
      base: 'http://gpu-box:8000/v1',
      isPrivate: false,
      takesMoreSettings: false,
    });
  });
});
