// Package pythonindex is a client of Python package indexes: the Simple API (PEP 503, PEP 691), the metadata of
// distributions (PEP 658), and their files. It knows credentials and shows none.
package pythonindex
