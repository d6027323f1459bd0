package gateway

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Describe is the protocol as an AsyncAPI 3.0 document, ready to be encoded. It is
// made from the table of operations and the types of what they take and give, so
// it cannot say what the server does not.
func Describe() map[string]any {
	d := describer{schemas: map[string]any{}, messages: map[string]any{}}
	table := operations()
	channels := map[string]any{"root": d.channel("/", "For everything. /ws is the same.")}
	for _, topic := range slices.Sorted(maps.Keys(table.byTopic)) {
		channel := d.channel("/ws/"+topic+"/{connection_id}", "The Python server's endpoint: messages name an action, what streams send is in a result.")
		channel["parameters"] = map[string]any{"connection_id": map[string]any{"description": "Chosen by the client, a part of its stream keys."}}
		channels[topic] = channel
	}
	described := map[string]any{}
	for _, op := range table.all {
		described[op.name] = d.operation(op, channels)
	}
	return map[string]any{
		"asyncapi": "3.0.0",
		"info": map[string]any{
			"title": "fullon", "version": "1",
			"description": "Every verb of fullon over WebSocket. Text frames are JSON and binary ones msgpack; an answer is of the kind that its question was of. Decimals are numbers with all their digits, in msgpack strings; times are seconds since 1970. A message of a stream has snapshot: true while it tells what was there, and a sequence that the stream can be resumed from. What is not known is null.",
		},
		"servers":            map[string]any{"local": map[string]any{"host": "127.0.0.1:8765", "protocol": "ws"}},
		"defaultContentType": "application/json",
		"channels":           channels,
		"operations":         described,
		"components": map[string]any{
			"schemas": d.schemas, "messages": d.messages,
			"securitySchemes": map[string]any{"token": map[string]any{
				"type": "http", "scheme": "bearer", "description": "In the Authorization header of the handshake, or by the operation authenticate.",
			}},
		},
	}
}

type describer struct{ schemas, messages map[string]any }

func ref(path string) map[string]any { return map[string]any{"$ref": "#/" + path} }

func (d describer) channel(address, about string) map[string]any {
	return map[string]any{"address": address, "description": about, "messages": map[string]any{}}
}

// operation describes one, and puts its messages into the channels.
func (d describer) operation(op *operation, channels map[string]any) map[string]any {
	own := []string{op.name + ".request", op.name + ".answer"}
	verb := map[string]any{"enum": append([]string{op.name}, op.aliases...)}
	d.messages[own[0]] = payloadOf(object([]string{"operation"}, map[string]any{"request_id": map[string]any{}, "operation": verb, "params": d.schema(op.params)}))
	d.messages[own[1]] = payloadOf(object([]string{"success"}, map[string]any{
		"request_id": map[string]any{}, "success": map[string]any{"type": "boolean"}, "result": nullable(d.schema(op.result)),
		"error": nullable(map[string]any{"type": "string"}), "error_code": nullable(map[string]any{"type": "string"}),
		"timestamp": map[string]any{"type": "number"}, "latency_ms": map[string]any{"type": "number"},
	}))
	for _, m := range op.sends {
		payload := object([]string{"type"}, map[string]any{
			"type": map[string]any{"const": m.name}, "request_id": map[string]any{}, "snapshot": map[string]any{"type": "boolean"}, "sequence": map[string]any{"type": "integer"},
		})
		d.messages[m.name] = payloadOf(map[string]any{"allOf": []any{payload, d.schema(m.view)}})
		own = append(own, m.name)
	}
	in := []string{"root"}
	if op.topic != "" {
		in = append(in, op.topic)
	}
	for _, name := range in {
		messages := channels[name].(map[string]any)["messages"].(map[string]any)
		for _, m := range own {
			messages[m] = ref("components/messages/" + m)
		}
	}
	var replies []any
	for _, m := range own[1:] {
		replies = append(replies, ref("channels/root/messages/"+m))
	}
	out := map[string]any{
		"action": "receive", "summary": op.about, "channel": ref("channels/root"), "messages": []any{ref("channels/root/messages/" + own[0])},
		"reply": map[string]any{"channel": ref("channels/root"), "messages": replies},
	}
	if op.area != anything {
		out["description"] = "Needs " + op.scope() + "."
	}
	return out
}

func payloadOf(payload any) map[string]any { return map[string]any{"payload": payload} }

func object(required []string, properties map[string]any) map[string]any {
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func nullable(schema map[string]any) map[string]any {
	return map[string]any{"oneOf": []any{schema, map[string]any{"type": "null"}}}
}

// schema describes a type as JSON has it.
func (d describer) schema(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[Number]():
		return map[string]any{"type": "number", "format": "decimal"}
	case reflect.TypeFor[Time]():
		return map[string]any{"type": "number", "format": "unix-seconds"}
	case reflect.TypeFor[ID]():
		return map[string]any{"type": []string{"string", "integer"}}
	case reflect.TypeFor[Bar]():
		return map[string]any{"type": "array", "description": "time, open, high, low, close, volume", "minItems": 6, "maxItems": 6, "items": map[string]any{"type": "number"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(d.schema(t.Elem()))
	case reflect.Slice:
		return map[string]any{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": d.schema(t.Elem())}
	case reflect.Struct:
		return d.named(t)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Int, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{"type": "string"}
}

// named describes a struct once.
func (d describer) named(t reflect.Type) map[string]any {
	if d.schemas[t.Name()] == nil {
		properties, required := map[string]any{}, []string{}
		d.schemas[t.Name()] = map[string]any{} // for types that have themselves
		d.fields(t, properties, &required)
		slices.Sort(required)
		d.schemas[t.Name()] = object(required, properties)
	}
	return ref("components/schemas/" + t.Name())
}

// fields describes the fields of a struct, those of embedded ones too. Of
// parameters those are required that are marked so, of answers all that are not
// left out when they are empty.
func (d describer) fields(t reflect.Type, properties map[string]any, required *[]string) {
	params := strings.HasSuffix(t.Name(), "Params")
	for f := range t.Fields() {
		if f.Anonymous {
			d.fields(f.Type, properties, required)
			continue
		}
		name := fieldName(f)
		properties[name] = d.schema(f.Type)
		if f.Tag.Get("need") != "" || !params && !strings.Contains(f.Tag.Get("json"), "omitempty") {
			*required = append(*required, name)
		}
	}
}
