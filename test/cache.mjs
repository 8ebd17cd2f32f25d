/** Before each test file: what is kept between runs goes to a directory of the tests, not to the user's cache. */
import { tmpdir } from "node:os";
import { join } from "node:path";

process.env.ORRERY_CACHE ??= join(tmpdir(), "orrery-tests-cache");
