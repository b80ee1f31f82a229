// Package rime is the registry of managed images of a RIME platform: a client of its REST API.
//
// What the API is known to do is in CONTRACT.md; its §8 lists what a client has to tolerate, and why this one reads
// answers as leniently as it does. Nothing of the API's server is public, so nothing is assumed that CONTRACT.md leaves open.
package rime
