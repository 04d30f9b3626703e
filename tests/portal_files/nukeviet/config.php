<?php
// Of a throw-away portal; the words in braces are filled in.
$db_config['dbhost'] = '{host}';
$db_config['dbport'] = '';
$db_config['dbname'] = '{database}';
$db_config['dbuname'] = '{user}';
$db_config['dbpass'] = '{password}';
$db_config['dbtype'] = 'mysql';
$db_config['prefix'] = 'nv4';
