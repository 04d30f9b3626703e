<?php
$config_global['site_name'] = 'Cổng thông tin điện tử tỉnh';
$config_global['cache_seconds'] = 60;
$config_global['online_seconds'] = 300;
