import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';

describe('the test database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
  }, 60_000);
  afterAll(() => database.stop());

  test('the application acts as a role that owns nothing', async () => {
    const { rows } = await database.app.pool.query(
      'select current_user as role, (select count(*) from pg_class where relowner = current_user::regrole) as owned',
    );
    expect(rows[0]).toEqual({ role: 'dunlin_app', owned: 0n });
  });

  test('two tests never see each other’s database', async () => {
    const other = await startTestDatabase();
    expect(other.url).not.toBe(database.url);
    await other.stop();
  });
});
