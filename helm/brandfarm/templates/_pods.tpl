{{/* What all pods have in common: restricted Pod Security, files that cannot be written, no service variables. */}}

{{- define "brandfarm.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "brandfarm.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Service variables are off: a Service called brandfarm-metrics would set BRANDFARM_METRICS_PORT to tcp://... */}}
{{- define "brandfarm.podCommon" -}}
enableServiceLinks: false
securityContext:
  {{- include "brandfarm.podSecurity" . | nindent 2 }}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where the store is and who asks. */}}
{{- define "brandfarm.storeEnv" -}}
- name: BRANDFARM_STORE
  value: {{ include "brandfarm.storeAddress" . | quote }}
- name: BRANDFARM_STORE_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ include "brandfarm.storeSecret" . }}, key: {{ include "brandfarm.storeAccessKey" . }}}}
- name: BRANDFARM_STORE_SECRET_KEY
  valueFrom: {secretKeyRef: {name: {{ include "brandfarm.storeSecret" . }}, key: {{ include "brandfarm.storeSecretKey" . }}}}
{{- end -}}

{{- define "brandfarm.caEnv" -}}
{{- if .Values.store.existing.caBundle.configMap }}
- {name: SSL_CERT_FILE, value: /etc/brandfarm/ca/ca.crt}
{{- end }}
{{- end -}}

{{- define "brandfarm.caMount" -}}
{{- if .Values.store.existing.caBundle.configMap }}
- {name: ca, mountPath: /etc/brandfarm/ca, readOnly: true}
{{- end }}
{{- end -}}

{{- define "brandfarm.caVolume" -}}
{{- with .Values.store.existing.caBundle }}
{{- if .configMap }}
- name: ca
  configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "brandfarm.tokenMount" -}}
- {name: token, mountPath: /etc/brandfarm/token, readOnly: true}
{{- end -}}

{{- define "brandfarm.tokenVolume" -}}
- name: token
  secret:
    secretName: {{ include "brandfarm.tokenSecret" . }}
    defaultMode: 0440
    items: [{key: {{ .Values.dispatcher.token.key | quote }}, path: token}]
{{- end -}}

{{- define "brandfarm.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
