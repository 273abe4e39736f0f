// Which pages are behind the door? A customer's, and an administrator's.
import { expect } from './test.mjs';

export const rooms = {
  customer: (ids) => ['/overview', '/usage', '/usage?range=30d&group=key', '/usage?group=status', '/usage/calls', `/usage/calls/${ids.call}`, '/usage/refused', '/wallet', '/wallet/top-up', '/wallet/top-up?provider=sandbox&amount=25', '/wallet/top-up?provider=manual&currency=JPY&amount=lots', '/wallet/orders', `/wallet/orders/${ids.order}`, `/wallet/orders/${ids.transfer}`, '/wallet/receipts', `/wallet/receipts/${ids.receipt}`, '/wallet/statement', '/wallet/statement?period=year', `/wallet/statement/${new Date().toISOString().slice(0, 10)}`, '/wallet/statement?from=2020-01-01&to=2020-01-31', '/keys', '/keys/new', `/keys/${ids.key}`, `/keys/${ids.revoked}`, `/keys/${ids.key}/roll`, `/keys/${ids.key}/revoke`, `/keys/${ids.key}/reveal`, '/keys/freeze', '/try', '/settings', '/settings/email', '/settings/security', '/settings/second-factor', '/settings/sessions', '/settings/policies', '/search', '/search?q=limited', '/shortcuts', '/outbox'],
  administrator: (ids) => ['/admin', '/admin/accounts', '/admin/accounts?q=customer', `/admin/accounts/${ids.account}`, '/admin/orders', `/admin/orders/${ids.transfer}`, '/admin/keys', `/admin/keys/${ids.key}`, '/admin/upstreams', '/admin/upstreams/new', `/admin/upstreams/${ids.upstream}`, '/admin/models', '/admin/models/new', '/admin/models/sandbox-echo', '/admin/rates', '/admin/rates/KWD', '/admin/audit', '/settings/second-factor'],
};

// An order of 25 dollars that nobody has paid yet.
export async function ordered(page, provider) {
  await page.goto(`/wallet/top-up?provider=${provider}&currency=USD&amount=25`);
  await page.locator('form[action="/api/create_order"] button[type=submit]').click();
  await page.waitForURL('**/wallet/orders/order_*');
  return page.url().split('/').at(-1);
}

// The number of the receipt for an order that is paid in the sandbox.
export async function paid(page) {
  await ordered(page, 'sandbox');
  await page.locator('main a.btn.primary[href^="http://127.0.0.1"]').click();
  await page.locator('button[value="pay"]').click();
  await page.waitForURL('**/wallet/orders/order_*');
  const receipt = page.locator('main a[href^="/wallet/receipts/"]').first();
  await expect(async () => {
    await page.goto('/wallet/receipts');
    await expect(receipt).toBeVisible({ timeout: 200 });
  }).toPass();
  return (await receipt.getAttribute('href')).split('/').at(3);
}
