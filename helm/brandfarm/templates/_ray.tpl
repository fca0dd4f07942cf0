{{/* Ray's containers: what they read, what they share, how it is known that they live. */}}

{{/* Every Ray process, drivers too, must read the same token and the same health settings. */}}
{{- define "brandfarm.rayEnv" -}}
- {name: RAY_AUTH_MODE, value: token}
- name: RAY_AUTH_TOKEN
  valueFrom: {secretKeyRef: {name: {{ include "brandfarm.rayTokenSecret" . }}, key: {{ include "brandfarm.rayTokenKey" . }}}}
{{- with .Values.ray.health }}
- {name: RAY_health_check_period_ms, value: {{ .periodMilliseconds | int | quote }}}
- {name: RAY_health_check_failure_threshold, value: {{ .failures | int | quote }}}
- {name: RAY_grpc_client_keepalive_time_ms, value: {{ .keepaliveMilliseconds | int | quote }}}
- {name: RAY_grpc_client_keepalive_timeout_ms, value: {{ .keepaliveTimeoutMilliseconds | int | quote }}}
{{- end }}
- {name: RAY_agent_register_timeout_ms, value: "600000"}
- {name: RAY_raylet_start_wait_time_s, value: "120"}
- {name: RAY_USAGE_STATS_ENABLED, value: "0"}
- {name: OMP_WAIT_POLICY, value: PASSIVE}
- {name: HOME, value: /tmp}
{{- end -}}

{{/* Ray's sockets and its object store: a driver in another container of the pod sees the same. KubeRay's autoscaler uses these names. */}}
{{- define "brandfarm.rayMounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: ray-logs, mountPath: /tmp/ray}
- {name: shared-mem, mountPath: /dev/shm}
{{- end -}}

{{/* Takes the size of the shared memory. */}}
{{- define "brandfarm.rayVolumes" -}}
- name: tmp
  emptyDir: {}
- name: ray-logs
  emptyDir: {}
- name: shared-mem
  emptyDir: {medium: Memory, sizeLimit: {{ . }}}
{{- end -}}

{{/* Our images hold Ray without its dashboard, so the pages that KubeRay would ask are not served: its ports are tried instead. */}}
{{- define "brandfarm.rayProbes" -}}
startupProbe:
  tcpSocket: {port: raylet}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  tcpSocket: {port: raylet}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{/* KubeRay puts `ray start` after this, in one line of bash, so the quotes are part of it. A raylet waits 15 s for its agents, and a slow machine needs more. */}}
{{- define "brandfarm.beforeRay" -}}
[bash, -c, "'python -m cluster.ray_agents &'"]
{{- end -}}

{{/* Whether some group may grow; then Ray's autoscaler runs beside the head. */}}
{{- define "brandfarm.grows" -}}
{{- if .Values.ray.create }}{{ range .Values.ray.workers }}{{ if gt (int .max) (int .min) }}yes{{ end }}{{ end }}{{ end -}}
{{- end -}}

{{/* The groups as the dispatcher reads them, to know how many workers it may ask for. */}}
{{- define "brandfarm.groups" -}}
{{- $groups := dict -}}
{{- range .Values.ray.workers -}}
{{- $limits := dict "min" (int .min) "max" (int .max) "gpu" (int .gpus) "gpuClass" (.gpuClass | default .name) -}}
{{- $_ := set $groups .name $limits -}}
{{- end -}}
{{ toJson $groups }}
{{- end -}}

{{/*
The dispatcher, a Ray driver beside Ray's head or another node of the cluster. It is an init container that is always
restarted, since with the autoscaler KubeRay forbids restarts of ordinary containers, and a dispatcher that ended would stay away.
Its pod shares its processes: a driver finds the node to join by the raylet's process.
Takes a list of the context and the address of Ray's control store.
*/}}
{{- define "brandfarm.dispatcher" -}}
{{- $root := first . -}}
- name: dispatcher
  image: {{ include "brandfarm.image" (list $root "dispatcher") }}
  imagePullPolicy: {{ $root.Values.images.pullPolicy }}
  restartPolicy: Always
  command: [python, -m, cluster.main]
  env:
    {{- include "brandfarm.rayEnv" $root | nindent 4 }}
    {{- include "brandfarm.storeEnv" $root | nindent 4 }}
    - {name: BRANDFARM_RAY_ADDRESS, value: {{ last . | quote }}}
    - {name: BRANDFARM_RAY_PATIENCE, value: "150"}
    {{- if include "brandfarm.grows" $root }}
    - {name: BRANDFARM_GROUPS, value: {{ include "brandfarm.groups" $root | squote }}}
    {{- with $root.Values.ray.autoscaler }}
    - {name: BRANDFARM_CLEAR_SECONDS, value: {{ .clearSeconds | int | quote }}}
    - {name: BRANDFARM_KEEP_SECONDS, value: {{ .keepSeconds | int | quote }}}
    - {name: BRANDFARM_IDLE_SECONDS, value: {{ .idleSeconds | int | quote }}}
    {{- end }}
    {{- end }}
    - {name: BRANDFARM_TOKEN_FILE, value: /etc/brandfarm/token/token}
    - {name: BRANDFARM_HOST, value: 0.0.0.0}
    - {name: BRANDFARM_PORT, value: "8265"}
    - {name: BRANDFARM_METRICS_OPEN, value: {{ $root.Values.metrics.open | quote }}}
    - {name: BRANDFARM_HOME, value: /tmp/brandfarm}
    - {name: BRANDFARM_BASES, value: /var/lib/brandfarm/bases}
    {{- with $root.Values.ray.work }}
    - {name: BRANDFARM_THREADS, value: {{ .threads | quote }}}
    - {name: BRANDFARM_BATCH, value: {{ .batch | quote }}}
    - {name: BRANDFARM_ROWS, value: {{ .rows | quote }}}
    {{- with .resident }}
    - {name: BRANDFARM_RESIDENT, value: {{ . | quote }}}
    {{- end }}
    {{- end }}
    {{- include "brandfarm.caEnv" $root | nindent 4 }}
  ports:
    - {name: http, containerPort: 8265}
  livenessProbe:
    httpGet: {path: /healthz, port: http}
    initialDelaySeconds: 60
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 12
  readinessProbe:
    httpGet: {path: /readyz, port: http}
    periodSeconds: 3
    timeoutSeconds: 5
  resources:
    {{- toYaml $root.Values.dispatcher.resources | nindent 4 }}
  securityContext:
    {{- include "brandfarm.containerSecurity" $root | nindent 4 }}
  volumeMounts:
    {{- include "brandfarm.rayMounts" $root | nindent 4 }}
    {{- include "brandfarm.tokenMount" $root | nindent 4 }}
    {{- include "brandfarm.caMount" $root | nindent 4 }}
{{- end -}}
