// Which browser, how is it started, and what is a test? Started by run.sh, which says where the servers are.
import { defineConfig } from '@playwright/test';

// A browser in a container, as root, that asks nobody on the internet for anything.
const args = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-proxy-server',
];

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.mjs',
  outputDir: 'results',
  workers: 1,
  retries: 0,
  forbidOnly: true,
  // For what hangs: on a busy machine a test takes several times as long as on a quiet one.
  timeout: 180_000,
  expect: { timeout: 10_000 },
  reporter: './support/reporter.mjs',
  use: {
    baseURL: process.env.BASE_URL,
    locale: 'en-US',
    timezoneId: 'UTC',
    screenshot: 'only-on-failure',
    launchOptions: { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args },
  },
});
