// With what does somebody use a page? A pointer, or the keyboard alone: the same journey runs with both.
import { expect } from './test.mjs';

export const pointer = () => ({
  press: (target) => target.click(),
  fill: (target, text) => target.fill(text),
  tick: (target) => target.check(),
});

// Never touches a pointer: walks with Tab until the thing has the focus, and fails when it never gets it.
export function keyboard(page) {
  async function reach(target) {
    await expect(target).toBeVisible();
    for (let steps = 0; steps < 200; steps += 1) {
      if (await target.evaluate((it) => it === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard never gets to ${target}`);
  }
  return {
    async press(target) {
      await reach(target);
      await page.keyboard.press('Enter');
    },
    async fill(target, text) {
      await reach(target);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type(text);
    },
    async tick(target) {
      await reach(target);
      await page.keyboard.press('Space');
    },
  };
}
