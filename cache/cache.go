// Package cache keeps results under keys, in memory and in Redis.
//
// It knows nothing of prompts, models or HTTP: a value is bytes, a key is a string that a Keyer
// made. Every store of this package has the same contract, and one conformance test holds them to
// it:
//
//   - Get returns a value that Add was given for that very key, or ok=false. A miss, an expired,
//     damaged or foreign value, a broken and a slow Redis are all alike: ok=false, never an error.
//   - Add keeps the first value of a key and returns what the key now holds, so that everybody
//     who adds agrees on one. Where nothing can be kept it returns the value it was given.
//   - A ttl of zero or less means that the value stays until there is no room for it.
//   - Values are shared, not copied: nobody changes a value after it was given to Add or returned
//     by Get.
//   - Keep, where there is one, is for what was promised to be there: it replaces and renews, and
//     says whether it did.
//   - All methods are safe for concurrent use, also during and after Close.
package cache
