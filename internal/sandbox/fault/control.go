package fault

import (
	"encoding/json"
	"net/http"
)

// Control is the control endpoint of the gate:
//
//	GET    /requests   {"requests": [ … ]}, in the order of their arrival
//	DELETE /requests   forgets them
//	GET    /faults     the rules, as an array
//	PUT    /faults     replaces the rules; their counts begin anew
//	DELETE /faults     removes them
func (g *Gate) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			Requests []Request `json:"requests"`
		}{g.Requests()})
	})
	mux.HandleFunc("DELETE /requests", func(w http.ResponseWriter, _ *http.Request) {
		g.Forget()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, g.Faults()) })
	mux.HandleFunc("PUT /faults", g.putFaults)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		_ = g.SetFaults() // no rules cannot be invalid
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (g *Gate) putFaults(w http.ResponseWriter, r *http.Request) {
	rules, err := Parse(r.Body)
	if err == nil {
		err = g.SetFaults(rules...)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}
