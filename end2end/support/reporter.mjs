// What does a run print? One line per test, what went wrong in full, and the sum.
import { writeFileSync } from 'node:fs';

const took = (ms) => `${(ms / 1000).toFixed(1)} s`;
const plain = (text) => text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
const name = (test) => test.titlePath().filter(Boolean).join(' › ');

export default class Reporter {
  begun = Date.now();
  broken = 0;

  onBegin(_config, suite) {
    this.suite = suite;
  }

  onTestEnd(test, result) {
    const good = test.outcome() === 'expected';
    console.log(`${good ? 'ok  ' : 'FAIL'} ${name(test)} (${took(result.duration)})`);
    if (good) return;
    for (const error of result.errors) this.tell(error);
    for (const { path } of result.attachments) if (path) console.log(`     see ${path}`);
  }

  // What a test has measured.
  onStdOut(chunk) {
    process.stdout.write(chunk);
  }

  // Something broke outside of a test: a file that cannot be loaded, a worker that died.
  onError(error) {
    this.broken += 1;
    console.log('FAIL outside of a test');
    this.tell(error);
  }

  tell({ message = '', stack = '', snippet = '' }) {
    const lines = plain([stack || message, snippet].join('\n')).split('\n').slice(0, 60);
    console.log(lines.map((line) => `     ${line}`).join('\n'));
  }

  onEnd() {
    const tests = this.suite?.allTests() ?? [];
    const passed = tests.filter((test) => test.results.length > 0 && test.outcome() === 'expected').length;
    // A test that was skipped or never ran has not shown anything, so it counts as failed.
    for (const test of tests.filter((test) => test.results.length === 0)) {
      console.log(`FAIL ${name(test)} (did not run)`);
    }
    const failed = tests.length - passed + this.broken;
    console.log(`in ${took(Date.now() - this.begun)}`);
    // run.sh prints it as its last line, after the servers' logs when something failed.
    writeFileSync(process.env.SUM, `${passed} passed, ${failed} failed\n`);
    return { status: failed === 0 && passed > 0 ? 'passed' : 'failed' };
  }
}
