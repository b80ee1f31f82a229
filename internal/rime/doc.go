// Package rime is the registry of managed images of a RIME platform: a client of its REST API.
//
// What the API is known to do is in contracts/rime-api.md; section 8 there lists what a client has to tolerate, and why this one reads
// answers as leniently as it does. Nothing of the API's server is public, so nothing is assumed that the contract leaves open.
package rime
